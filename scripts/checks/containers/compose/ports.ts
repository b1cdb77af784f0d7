import type { Rules } from "../rules.ts";
import { databaseOf } from "./database.ts";
import type { Service } from "./read-compose.ts";

const LOOPBACK = "127.0.0.1";
const FIRST = 50_051;
const LAST = 50_053;

/** `[address:][from[-to]]:` and the container's side, which alone stands for any port of the host, on all addresses. */
const SHORT = /^(?:(?:(\[[^\]]*\]|[\d.]+):)?(\d*)(?:-(\d+))?:)?\d+(?:-\d+)?(?:\/\w+)?$/;

/** What the host lets in. */
export const ports: Rules<Service> = {
  ports: (service) => {
    const published = service.ports.map((port) => ({ port, told: toldBy(port) }));
    const database = databaseOf(service);
    if (database !== undefined) return published.map(({ told }) => `${database.name} publishes ${told.text}`);
    return published.flatMap(({ told }) => faultsOf(told));
  },
};

interface Published {
  readonly text: string;
  readonly address: string | undefined;
  /** NaN: the engine takes any. */
  readonly from: number;
  readonly to: number;
}

function toldBy(port: Service["ports"][number]): Published {
  if (typeof port === "object") {
    const [from = "", to = from] = (port.published ?? "").split("-");
    return {
      text: `${port.published ?? ""}:${port.target}`,
      address: port.host_ip,
      from: portOf(from),
      to: portOf(to),
    };
  }
  const text = String(port);
  const [, address, from = "", to = from] = SHORT.exec(text) ?? [];
  return { text, address, from: portOf(from), to: portOf(to) };
}

function portOf(text: string): number {
  return text === "" ? Number.NaN : Number(text);
}

function faultsOf({ text, address, from, to }: Published): readonly string[] {
  // NaN compares false: no number is not within.
  const within = from >= FIRST && to <= LAST;
  return [
    ...(address === LOOPBACK ? [] : [`${text} is published on ${address ?? "all addresses"}, not on ${LOOPBACK}`]),
    ...(within ? [] : [`${text} is published on another port than ${FIRST} to ${LAST}`]),
  ];
}
