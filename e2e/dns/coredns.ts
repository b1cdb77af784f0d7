import type { NameServer } from "./name-server.ts";
import { startZoneServer } from "./zone-server.ts";

/** CoreDNS with a zone file, which it looks at ten times a second. */
export function startCoreDns(): Promise<NameServer> {
  return startZoneServer({
    config: ({ port, zone }) => `
      cluster.local:${port} {
        bind 127.0.0.1
        file ${zone} {
          reload 100ms
        }
        loadbalance
        errors
      }`,
    command: (configFile) => ["coredns", "-conf", configFile],
  });
}
