import type { NameServer } from "./name-server.ts";
import { startZoneServer } from "./zone-server.ts";

/** Knot DNS, an authoritative server that has nothing in common with CoreDNS. */
export function startKnot(): Promise<NameServer> {
  return startZoneServer({
    config: ({ port, folder, zone }) => `
server:
    listen: 127.0.0.1@${port}
    rundir: ${folder}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: ${folder}
log:
  - target: stderr
    any: info
template:
  - id: default
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: cluster.local
    file: ${zone}
`,
    command: (configFile) => ["knotd", "--config", configFile],
    reload: "SIGHUP",
  });
}
