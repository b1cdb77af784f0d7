import type { Rules } from "../rules.ts";
import { mountsOf } from "./mount.ts";
import type { Compose } from "./read-compose.ts";

/** What the file says of all services together. */
export const declared: Rules<Compose> = {
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
};

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
