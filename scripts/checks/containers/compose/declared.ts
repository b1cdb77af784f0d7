import type { Stage } from "../dockerfile/read-dockerfile.ts";
import type { Rules } from "../rules.ts";
import { secretPlaces } from "../secrecy.ts";
import { databaseOf } from "./database.ts";
import { mountsOf } from "./mount.ts";
import type { Compose } from "./read-compose.ts";

/** What the file says of all services together. */
export function declared(stages: readonly Stage[]): Rules<Compose> {
  return {
    volumes: ({ services, volumes }) => {
      const mounts = Object.values(services).flatMap(mountsOf);
      const used = mounts.filter(({ kind }) => kind === "named").map(({ source }) => source);
      return differences(used, Object.keys(volumes));
    },

    // Every project has a network `default`, which needs no line.
    networks: ({ services, networks }) => {
      const used = Object.values(services).flatMap((service) => service.networks);
      return differences(used, Object.keys(networks)).filter((message) => message !== "default is not declared");
    },

    "secret-writers": ({ services, volumes }) =>
      Object.keys(volumes)
        .filter((volume) => /secret/.test(volume))
        .map((volume) => ({ volume, writers: writersOf(services, volume) }))
        .filter(({ writers }) => writers.length > 1)
        .map(({ volume, writers }) => `${volume} has more than one writer: ${writers.join(", ")}`),

    // A file that is not checked.
    include: ({ include }) => (include === undefined ? [] : ["services come from another file"]),

    // Whoever reaches a database's port can try passwords.
    "database-network": ({ services, networks }) =>
      Object.entries(services)
        .filter(([, service]) => databaseOf(service, stages) !== undefined)
        .flatMap(([name, service]) => service.networks.map((network) => ({ name, network })))
        .filter(({ network }) => networks[network]?.internal !== true)
        .map(({ name, network }) => `${name} is on ${network}, which is not \`internal\``),

    // Those of the services are theirs.
    "secret-elsewhere": ({ name, networks, volumes, extensions }) =>
      secretPlaces({ name, networks, volumes, ...extensions }).map((place) => `${place} holds a secret`),
  };
}

function differences(used: readonly string[], declaredNames: readonly string[]): readonly string[] {
  const undeclared = used.filter((name, index) => !declaredNames.includes(name) && used.indexOf(name) === index);
  const unused = declaredNames.filter((name) => !used.includes(name));
  return [...undeclared.map((name) => `${name} is not declared`), ...unused.map((name) => `${name} is not used`)];
}

function writersOf(services: Compose["services"], volume: string): readonly string[] {
  return Object.keys(services).filter((name) => {
    const service = services[name];
    return service !== undefined && mountsOf(service).some(({ source, writable }) => source === volume && writable);
  });
}
