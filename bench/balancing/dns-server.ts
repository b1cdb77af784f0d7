import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import type { Instance } from "./instance.ts";

/** The service's whole name. */
export const HOST = "product-service.bench.svc.cluster.local";

/** The cluster's DNS as `npm start` has it. It lists what it is told to: that an instance is ill is for the clients to find out. */
export interface DnsServer extends AsyncDisposable {
  port: number;
  list(instances: readonly Instance[]): void;
}

export async function openDnsServer(servicePort: number): Promise<DnsServer> {
  const server = await startClusterDns();
  return {
    port: server.port,
    list(instances) {
      const listed = instances.map(({ name, place }) => ({ hostname: name, ipv4: place.address, port: servicePort }));
      server.set([{ service: "product-service", namespace: "bench", portName: "grpc", instances: listed }]);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
