import type { Stage } from "../dockerfile/read-dockerfile.ts";
import type { Rules } from "../rules.ts";
import { databaseOf } from "./database.ts";
import type { Service } from "./read-compose.ts";

const LOOPBACK = "127.0.0.1";
const FIRST = 50_051;
const LAST = 50_053;

/** `[address:][from[-to]]:` and the container's side, which alone stands for any port of the host, on all addresses. */
const SHORT = /^(?:(?:(\[[^\]]*\]|[\d.]+):)?(\d*)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/\w+)?$/;

/** What the host lets in. */
export function ports(stages: readonly Stage[]): Rules<Service> {
  return {
    ports: (service) => {
      const published = service.ports.map(toldBy);
      const database = databaseOf(service, stages);
      if (database !== undefined) return published.map(({ text }) => `${database.name} publishes ${text}`);
      return published.flatMap(faultsOf);
    },
  };
}

interface Published {
  readonly text: string;
  readonly address: string | undefined;
  /** NaN: the engine takes any. */
  readonly from: number;
  readonly to: number;
  /** The container's side has the same numbers. */
  readonly same: boolean;
}

function toldBy(port: Service["ports"][number]): Published {
  if (typeof port === "object") {
    const [from = "", to = from] = (port.published ?? "").split("-");
    return {
      text: `${port.published ?? ""}:${port.target}`,
      address: port.host_ip,
      from: portOf(from),
      to: portOf(to),
      same: from === port.target && to === port.target,
    };
  }
  const text = String(port);
  const [, address, from = "", to = from, first = "", last = first] = SHORT.exec(text) ?? [];
  return { text, address, from: portOf(from), to: portOf(to), same: from === first && to === last };
}

function portOf(text: string): number {
  return text === "" ? Number.NaN : Number(text);
}

function faultsOf({ text, address, from, to, same }: Published): readonly string[] {
  // NaN compares false: no number is not within.
  const within = from >= FIRST && to <= LAST;
  return [
    ...(address === LOOPBACK ? [] : [`${text} is published on ${address ?? "all addresses"}, not on ${LOOPBACK}`]),
    // What listens there is known by its number: 5432 would be a database, whatever its image is called.
    ...(within && !same ? [`${text} is published for another port of the container`] : []),
    ...(within ? [] : [`${text} is published on another port than ${FIRST} to ${LAST}`]),
  ];
}
