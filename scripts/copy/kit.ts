import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const FOLDERS = ["client", "server"];

/** One file that is made to be copied. */
export interface KitFile {
  /** As the command line has it, such as `client/retry`. */
  readonly name: string;
  /** Where it is here. */
  readonly source: string;
}

/** All files that are made to be copied, and where each file of the kit comes to lie in a copy. */
export interface Kit {
  readonly files: readonly KitFile[];
  /** What those need: never copied for its own sake. */
  readonly shared: readonly KitFile[];
  /** Where the file lies below the folder that is copied to, with `/`. Undefined: it is no part of the kit. */
  targetOf(source: string): string | undefined;
  /** The folder that its files go to together, as in one package: they may need each other. Undefined: each stands alone. */
  readonly module?: string;
}

/** Everything that can be copied. */
export async function allKits(): Promise<Kit> {
  const kits = await Promise.all([ownKit(), discoveryKit()]);
  return {
    files: kits.flatMap(({ files }) => files),
    shared: kits.flatMap(({ shared }) => shared),
    targetOf: (source) => kits.map((kit) => kit.targetOf(source)).find((target) => target !== undefined),
  };
}

/** Discovery: the resolver and the policy behind one file, and the DNS server. */
export function discoveryKit(): Promise<Kit> {
  const entries = ["discovery.ts", "dns-server/cluster-dns.ts"];
  return readModule(join(ROOT, "packages/discovery/src"), { module: "discovery", entries });
}

/** Reads a folder whose files go together. `entries`: those that are named to copy them with all that they need. */
export async function readModule(
  folder: string,
  { module, entries }: { module: string; entries: readonly string[] },
): Promise<Kit> {
  const isEntry = (source: string) => entries.includes(relative(folder, source).split(sep).join("/"));
  const found = await readdir(folder, { recursive: true });
  const sources = found
    .filter((entry) => entry.endsWith(".ts") && !entry.endsWith(".test.ts") && !entry.startsWith("testing"))
    .toSorted()
    .map((entry) => join(folder, entry));
  const all = sources.map((source) => ({ name: `${module}/${basename(source, ".ts")}`, source }));
  return {
    module,
    files: all.filter(({ source }) => isEntry(source)),
    shared: all.filter(({ source }) => !isEntry(source)),
    targetOf(source) {
      const below = relative(folder, source).split(sep).join("/");
      return below.startsWith("../") ? undefined : `${module}/${below}`;
    },
  };
}

/** The kit of this project: the interceptors, and the channel that carries client ones to nice-grpc. */
export function ownKit(): Promise<Kit> {
  const channel = join(ROOT, "packages/rpc/src/client/intercept-channel.ts");
  return readKit(join(ROOT, "packages/interceptors/src"), { "rpc/intercept-channel": channel });
}

/** Reads the folders of a kit. `extra` names files that lie elsewhere, under their own names; one that is not there is left out. */
export async function readKit(folder: string, extra: Readonly<Record<string, string>> = {}): Promise<Kit> {
  const files: KitFile[] = [];
  for (const side of FOLDERS) files.push(...(await filesIn(join(folder, side), `${side}/`)));
  const elsewhere = new Map<string, string>();
  for (const [name, source] of Object.entries(extra)) {
    if (!existsSync(source)) continue;
    files.push({ name, source });
    elsewhere.set(source, `${name}.ts`);
    for (const test of await testsOf(source)) elsewhere.set(test, `${dirname(name)}/${basename(test)}`);
  }
  return {
    files,
    shared: await filesIn(folder, ""),
    targetOf(source) {
      const below = relative(folder, source).split(sep).join("/");
      return elsewhere.get(source) ?? (below.startsWith("../") ? undefined : below);
    },
  };
}

async function filesIn(folder: string, prefix: string): Promise<KitFile[]> {
  const entries = existsSync(folder) ? await readdir(folder) : [];
  return entries
    .filter((entry) => entry.endsWith(".ts") && !entry.endsWith(".test.ts"))
    .map((entry) => basename(entry, ".ts"))
    .toSorted()
    .map((name) => ({ name: `${prefix}${name}`, source: join(folder, `${name}.ts`) }));
}

/** The tests beside a file: `retry.test.ts`, and `retry.hops.test.ts` where one is not enough. */
export async function testsOf(source: string): Promise<string[]> {
  const name = `${basename(source, ".ts")}.`;
  const entries = (await readdir(dirname(source))).toSorted();
  return entries
    .filter((entry) => entry.startsWith(name) && entry.endsWith(".test.ts"))
    .map((entry) => join(dirname(source), entry));
}
