import { rename, writeFile } from "node:fs/promises";

/** Writes JSON that only this user may read; readers see the old content or the new, never a part. */
export async function writePrivately(path: string, content: unknown): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}
