import type { Service } from "./read-compose.ts";

/** What a service sees at a path of its own. */
export interface Mount {
  /** An anonymous volume has no name; `tmpfs` and what else leaves nothing behind is "other". */
  readonly kind: "named" | "anonymous" | "bind" | "other";
  /** Name of a volume, or path of the host. */
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

/** The volumes of a service, in the short and in the long form. */
export function mountsOf({ volumes }: Service): readonly Mount[] {
  return volumes.map((volume): Mount => {
    if (typeof volume === "string") return shortMount(volume);
    const { type, source = "", target, read_only: readOnly = false } = volume;
    const kind = type === "bind" ? "bind" : type !== "volume" ? "other" : source === "" ? "anonymous" : "named";
    return { kind, source, target, writable: !readOnly };
  });
}

/** `source:target:options`, or a target alone. */
function shortMount(text: string): Mount {
  const [first = "", target, options = ""] = text.split(":");
  if (target === undefined) return { kind: "anonymous", source: "", target: first, writable: true };
  const writable = !options.split(",").includes("ro");
  // A variable might be anything: it is taken for a path, which may do less than a name.
  return { kind: /^[./~$\\]/.test(first) ? "bind" : "named", source: first, target, writable };
}
