/** What a client process is told of the service. */
export interface Discovery {
  /** `ip:port` of the DNS server. */
  dnsServer: string;
  /** The service's whole name in it, without the dot at the end. */
  host: string;
  /** Of every instance. */
  port: number;
  /** Value of the header in which it names itself. */
  name: string;
}

/** A client under test. */
export interface Caller extends Disposable {
  /** Makes one call. @returns The name of the instance that answered. @throws {Error} With a `code` of gRPC. */
  call(): Promise<string>;
}
