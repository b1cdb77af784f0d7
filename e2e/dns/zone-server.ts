import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { freePort, type NameServer, NameServerProcess, TTL_SECONDS, untilServed } from "./name-server.ts";
import { zoneFile } from "./zone-file.ts";

/** What differs between servers that read a zone file. */
export interface ZoneProgram {
  /** What its configuration file has. */
  config(options: { port: number; folder: string; zone: string }): string;
  command(configFile: string): readonly [string, ...string[]];
  /** Makes it read the zone anew. Undefined: it looks by itself. */
  reload?: NodeJS.Signals;
}

/** Starts it with a zone without services. */
export async function startZoneServer(program: ZoneProgram): Promise<NameServer> {
  const folder = await temporaryFolder("holdfast-dns-");
  const zone = join(folder, "cluster.local.zone");
  const configFile = join(folder, "server.conf");
  // The server takes a zone for the same while its serial is.
  let serial = 0;
  const write = async (services: Parameters<NameServer["set"]>[0]): Promise<void> => {
    serial += 1;
    // As a whole: it may be read at any time.
    await writeFile(`${zone}.new`, zoneFile(services, { ttlSeconds: TTL_SECONDS, serial }));
    await rename(`${zone}.new`, zone);
  };
  await write([]);
  const port = await freePort();
  await writeFile(configFile, program.config({ port, folder, zone }));
  const process = new NameServerProcess(port, program.command(configFile));
  await process.start();
  return {
    address: process.address,
    set: async (services) => {
      await write(services);
      if (program.reload !== undefined) process.signal(program.reload);
      await untilServed(process.address, services);
    },
    stop: () => process.stop(),
    start: () => process.start(),
    freeze: () => process.signal("SIGSTOP"),
    thaw: () => process.signal("SIGCONT"),
    [Symbol.asyncDispose]: async () => {
      await process.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
