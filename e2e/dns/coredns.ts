import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { KubernetesApi } from "./kubernetes-api.ts";
import { freePort, type NameServer, NameServerProcess, TTL_SECONDS, untilServed } from "./name-server.ts";
import { startZoneServer } from "./zone-server.ts";

/** CoreDNS with a zone file, which it looks at ten times a second. */
export function startCoreDns(): Promise<NameServer> {
  return startZoneServer({
    config: ({ port, zone }) => corefile(port, `file ${zone} {\n reload 100ms\n }`),
    command: (configFile) => ["coredns", "-conf", configFile],
  });
}

/** CoreDNS as it runs in a Kubernetes cluster; of the cluster there is only the part of the API that it asks. */
export async function startCoreDnsOfKubernetes(): Promise<NameServer> {
  const folder = await temporaryFolder("holdfast-dns-");
  const configFile = join(folder, "Corefile");
  const api = new KubernetesApi();
  await api.start();
  const port = await freePort();
  const kubernetes = `kubernetes cluster.local {\n endpoint ${api.url}\n ttl ${TTL_SECONDS}\n }`;
  await writeFile(configFile, corefile(port, kubernetes));
  const process = new NameServerProcess(port, ["coredns", "-conf", configFile]);
  await process.start();
  return {
    address: process.address,
    set: async (services) => {
      api.set(services);
      await untilServed(process.address, services);
    },
    stop: () => process.stop(),
    start: () => process.start(),
    freeze: () => process.signal("SIGSTOP"),
    thaw: () => process.signal("SIGCONT"),
    [Symbol.asyncDispose]: async () => {
      await process.stop();
      await api[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function corefile(port: number, source: string): string {
  return `cluster.local:${port} {\n bind 127.0.0.1\n ${source}\n loadbalance\n errors\n}\n`;
}
