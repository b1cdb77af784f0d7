import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import { CLUSTER_DOMAIN, CLUSTER_NAMES, readStackFile, SERVICE_NAMES, StackError } from "@holdfast/stack";

const DEFAULT_FOLDER = join(import.meta.dirname, "../../.holdfast");

export interface Found {
  readonly name: string;
  /** `host:port`. */
  readonly target: string;
}

/**
 * The instances of a running system, as its DNS knows them: at least one.
 * @throws {StackError} If no system was started in the folder, if it has ended, and if no instance serves just now.
 */
export async function findInstances(folder = DEFAULT_FOLDER): Promise<Found[]> {
  const { clusterDns, stopping } = await readStackFile(folder);
  if (stopping === true) throw new StackError(`The system in "${folder}" does not run: start it with npm start`);
  const dns = new Resolver({ timeout: 1_000, tries: 2 });
  dns.setServers([clusterDns]);
  const found = await Promise.all(
    SERVICE_NAMES.map(async (service) => {
      const { service: name, namespace } = CLUSTER_NAMES[service];
      const records = await dns
        .resolveSrv(`_grpc._tcp.${name}.${namespace}.svc.${CLUSTER_DOMAIN}`)
        .catch(noneOf<{ name: string; port: number }>);
      return Promise.all(
        records.map(async ({ name: host, port }) => {
          const addresses = await dns.resolve4(host).catch(noneOf<string>); // it may have ended since
          return addresses.map((address) => ({ name: host.split(".")[0] ?? host, target: `${address}:${port}` }));
        }),
      );
    }),
  );
  const all = found.flat(2);
  if (all.length === 0) throw new StackError(`No instance of the system in "${folder}" serves just now`);
  return all.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** A service none of whose instances serves has no records. */
function noneOf<Value>(error: NodeJS.ErrnoException): Value[] {
  if (error.code === "ENOTFOUND" || error.code === "ENODATA") return [];
  throw new StackError(`Cannot ask for the instances of the system, its DNS does not answer: ${error.message}`);
}
