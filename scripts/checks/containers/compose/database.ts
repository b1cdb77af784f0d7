import type { Stage } from "../dockerfile/read-dockerfile.ts";
import { mountsOf } from "./mount.ts";
import type { Service } from "./read-compose.ts";

/** What keeps data, and where in its image. */
const DATABASES = [
  { name: "postgres", image: /postg(res|is)/, folder: "/var/lib/postgresql" },
  { name: "rabbitmq", image: /rabbitmq/, folder: "/var/lib/rabbitmq" },
  { name: "redis", image: /redis|valkey/, folder: "/data" },
  { name: "mysql", image: /mysql|mariadb/, folder: "/var/lib/mysql" },
  { name: "mongo", image: /mongo/, folder: "/data/db" },
] as const;

export interface Database {
  readonly name: string;
  /** Where its image keeps data. */
  readonly folder: string;
}

/** The database or broker that a service runs, if it runs one: by its image, by the stage's it is built to, or by what it mounts. */
export function databaseOf(service: Service, stages: readonly Stage[]): Database | undefined {
  const { image = "", build } = service;
  const { base = "" } = stages.find(({ name }) => name === build?.target) ?? {};
  const folders = mountsOf(service).flatMap(({ kind, target, writable }) =>
    kind === "named" && writable ? [target] : [],
  );
  return DATABASES.find(
    (database) =>
      [image, base].some((name) => database.image.test(name)) ||
      // Anybody may have a /data.
      (database.folder !== "/data" && folders.some((folder) => folder.startsWith(database.folder))),
  );
}
