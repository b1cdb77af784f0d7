import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import { CLUSTER_NAMES, readStackFile, SERVICE_NAMES } from "@holdfast/stack";

const DEFAULT_FOLDER = join(import.meta.dirname, "../../.holdfast");

export interface Found {
  readonly name: string;
  /** `host:port`. */
  readonly target: string;
}

/** The instances of a running system, as its DNS knows them. @throws {StackError} If none was started in the folder. */
export async function findInstances(folder = DEFAULT_FOLDER): Promise<Found[]> {
  const { clusterDns } = await readStackFile(folder);
  const dns = new Resolver({ timeout: 1_000, tries: 2 });
  dns.setServers([clusterDns]);
  const found = await Promise.all(
    SERVICE_NAMES.map(async (service) => {
      const { service: name, namespace } = CLUSTER_NAMES[service];
      const records = await dns.resolveSrv(`_grpc._tcp.${name}.${namespace}.svc.cluster.local`).catch(noneOf);
      return Promise.all(
        records.map(async ({ name: host, port }) => {
          const [address] = await dns.resolve4(host);
          return { name: host.split(".")[0] ?? host, target: `${address}:${port}` };
        }),
      );
    }),
  );
  return found.flat().toSorted((a, b) => a.name.localeCompare(b.name));
}

/** A service none of whose instances serves has no records. */
function noneOf(error: NodeJS.ErrnoException): { name: string; port: number }[] {
  if (error.code === "ENOTFOUND" || error.code === "ENODATA") return [];
  throw error;
}
