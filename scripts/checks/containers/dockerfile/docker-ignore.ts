import { type Rules, unless } from "../rules.ts";

/** None of them may get into the build's context: a path each for what people leave lying about. */
const LEFT_OUT = [
  "node_modules/grpc/index.js",
  "packages/rpc/node_modules/grpc/index.js",
  "packages/rpc/src/probe.test.ts",
  "services/order/src/domain/order.test.ts",
  "scripts/seed/main.test.ts",
  ".git/config",
  ".env",
  "services/order/.env.local",
  "services/order/.npmrc",
  "packages/rpc/src/tls.key",
  "packages/rpc/src/tls.pem",
];

/** What the build is given to read. */
export const dockerIgnore: Rules<readonly string[]> = {
  // What is not named is left out: a new folder with secrets in it, too.
  "allow-list": ([first = "nothing"]) => unless(first === "*", `begins with ${first}, not with *`),
  "left-out": (patterns) =>
    LEFT_OUT.filter((path) => !ignored(path, patterns)).map((path) => `lets ${path} into the build`),
};

/** The lines of a .dockerignore that say something. */
export function patternsOf(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** The last pattern that fits the path, or a folder above it, decides. Source: docs.docker.com, "dockerignore files". */
function ignored(path: string, patterns: readonly string[]): boolean {
  const folders = path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  const decisive = patterns.findLast((pattern) => folders.some((folder) => expression(pattern).test(folder)));
  return decisive !== undefined && !decisive.startsWith("!");
}

function expression(pattern: string): RegExp {
  const plain = pattern.replace(/^!/, "").replace(/^\/|\/$/g, "");
  const parts = plain.split(/(\*\*\/?|\*|\?)/).map((part) => {
    if (part.startsWith("**")) return part === "**" ? ".*" : "(?:.*/)?";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}
