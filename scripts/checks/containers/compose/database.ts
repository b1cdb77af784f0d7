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

/** The database or broker that a service runs, if it runs one. */
export function databaseOf({ image = "" }: Service): Database | undefined {
  return DATABASES.find((database) => database.image.test(image));
}
