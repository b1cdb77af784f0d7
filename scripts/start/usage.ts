export const USAGE = `npm start [-- options]

Starts PostgreSQL, the payment provider and the services payment, product and order on this machine, with a catalogue of
real products, until Ctrl-C. Data stays for the next start.

  --fresh                    forget the data of earlier starts
  --folder <path>            where data, logs and passwords are kept                        [.holdfast]
  --replicas <list>          instances of the services, up to 5, such as payment=3,order=2  [1 of each]
  --payment-port <port>      gRPC, on 127.0.0.1; 0 is any free port    PAYMENT_PORT         [50051]
  --product-port <port>                                                PRODUCT_PORT         [50052]
  --order-port <port>                                                  ORDER_PORT           [50053]
  --provider-port <port>     HTTP                                      PROVIDER_PORT        [any free]
  --postgres-port <port>                                               POSTGRES_PORT        [any free]
  --help                     this text

The variables in the third column do the same. Every other variable goes to the services, such as LOG_LEVEL=debug.`;
