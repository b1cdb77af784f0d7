import { findPnpm } from "./find-pnpm.mjs";
import { runShown } from "./run-shown.mjs";

/** Installs what the lockfile says, and shows how far it is. @throws {InstallError} */
export async function install(root, say) {
  const [command, ...prefix] = await findPnpm(root, say);
  const args = [...prefix, "install", "--frozen-lockfile", "--reporter=append-only"];
  await runShown(root, { what: "installing", program: "pnpm", command, args });
}
