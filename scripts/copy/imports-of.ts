/** `import … from "x"`, `export … from "x"`, `import "x"` at the beginning of a line. */
const STATIC = /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?"(?<module>[^"]+)"/gm;
/** `import("x")`, and `new URL("./x.ts", import.meta.url)`, by which a test starts another process. */
const DYNAMIC = /\bimport\("(?<module>[^"]+)"\)|\bnew URL\("(?<file>\.[^"]+)", import\.meta\.url\)/g;

/** What a file of formatted TypeScript imports, as it is written there, each once. */
export function importsOf(text: string): string[] {
  const found = [...text.matchAll(STATIC), ...text.matchAll(DYNAMIC)];
  return [...new Set(found.map(({ groups }) => groups?.["module"] ?? groups?.["file"] ?? ""))];
}

/** The package of a module: `@grpc/grpc-js` of `@grpc/grpc-js/build/src/x`. Undefined for Node's own. */
export function packageOf(module: string): string | undefined {
  if (module.startsWith("node:")) return undefined;
  return module.split("/", module.startsWith("@") ? 2 : 1).join("/");
}
