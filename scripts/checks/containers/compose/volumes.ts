import type { Rules } from "../rules.ts";
import type { Compose } from "./read-compose.ts";

/** What volumes are made of. */
export const volumes: Rules<Compose> = {
  // With `type: none, o: bind` a volume is a folder of the host, and `o: bind` makes one of every type.
  "volume-driver": ({ volumes: named }) =>
    Object.entries(named).flatMap(([name, volume]) => {
      const { type, device, o = "" } = volume?.driver_opts ?? { type: "tmpfs", device: "tmpfs" };
      if (type === "tmpfs" && device === "tmpfs" && !/\bbind\b/.test(o)) return [];
      return [`${name} is made of the host's ${device ?? type ?? "choice"}: only tmpfs and nothing are checked`];
    }),
};
