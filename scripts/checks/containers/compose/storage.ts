import type { Stage } from "../dockerfile/read-dockerfile.ts";
import { type Rules, unless } from "../rules.ts";
import { databaseOf } from "./database.ts";
import { mountsOf } from "./mount.ts";
import { type Service, staysUp } from "./read-compose.ts";

/** Where data stays, and who may change it. */
export function storage(stages: readonly Stage[]): Rules<Service> {
  return {
    "named-volumes": (service) => {
      const anonymous = mountsOf(service).filter(({ kind }) => kind === "anonymous");
      const messages = anonymous.map(({ target }) => `${target} has a volume without a name`);
      return service.volumes_from === undefined ? messages : [...messages, "takes the volumes of another container"];
    },

    "bind-mounts": (service) =>
      mountsOf(service)
        .filter(({ kind, writable }) => kind === "bind" && writable)
        .map(({ source }) => `can write to the host's ${source}`),

    // An image with a VOLUME of its own gets a new one each time, unless a named one covers it.
    "database-volume": (service) => {
      const database = databaseOf(service, stages);
      if (database === undefined) return [];
      const kept = mountsOf(service).some(({ kind, target }) => kind === "named" && target.startsWith(database.folder));
      return unless(kept, `keeps ${database.folder} in no named volume`);
    },

    // Whoever provisions writes them, and ends. Who stays up reads.
    "secret-volumes": (service) => {
      if (!staysUp(service)) return [];
      const secrets = mountsOf(service).filter(({ source, target }) => /secret/.test(`${source} ${target}`));
      return secrets.filter(({ writable }) => writable).map(({ source }) => `can write the secrets in ${source}`);
    },
  };
}
