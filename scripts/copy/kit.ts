import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const FOLDERS = ["client", "server"] as const;

/** One file that is made to be copied. */
export interface KitFile {
  /** As the command line has it, such as `client/retry`. */
  readonly name: string;
  /** Where it is here. */
  readonly source: string;
  /** Undefined: it has none. */
  readonly test: string | undefined;
}

/** All files that are made to be copied, and where each file of the kit comes to lie in a copy. */
export interface Kit {
  readonly files: readonly KitFile[];
  /** Where the file lies below the folder that is copied to, with `/`. Undefined: it is no part of the kit. */
  targetOf(source: string): string | undefined;
}

/** The kit of this project: the interceptors, and the channel that carries client ones to nice-grpc. */
export function ownKit(): Promise<Kit> {
  const channel = join(ROOT, "packages/rpc/src/client/intercept-channel.ts");
  return readKit(join(ROOT, "packages/interceptors/src"), { "rpc/intercept-channel": channel });
}

/** Reads the folders of a kit. `extra` names files that lie elsewhere; one that does not exist is left out. */
export async function readKit(folder: string, extra: Readonly<Record<string, string>> = {}): Promise<Kit> {
  const files: KitFile[] = [];
  for (const side of FOLDERS) {
    const path = join(folder, side);
    for (const entry of existsSync(path) ? (await readdir(path)).toSorted() : []) {
      if (!entry.endsWith(".ts") || entry.endsWith(".test.ts")) continue;
      files.push(kitFile(`${side}/${entry.slice(0, -".ts".length)}`, join(path, entry)));
    }
  }
  const elsewhere = new Map<string, string>();
  for (const [name, source] of Object.entries(extra)) {
    if (!existsSync(source)) continue;
    files.push(kitFile(name, source));
    elsewhere.set(source, `${name}.ts`).set(testOf(source), `${name}.test.ts`);
  }
  return {
    files,
    targetOf(source) {
      const below = relative(folder, source).split(sep).join("/");
      return elsewhere.get(source) ?? (below.startsWith("../") ? undefined : below);
    },
  };
}

function kitFile(name: string, source: string): KitFile {
  const test = testOf(source);
  return { name, source, test: existsSync(test) ? test : undefined };
}

function testOf(source: string): string {
  return source.replace(/\.ts$/, ".test.ts");
}
