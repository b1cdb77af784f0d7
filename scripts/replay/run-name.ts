import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** A name for a new run: what it replays and when it started, such as "3f2a9c01-20251121T025500". */
export async function runName(files: readonly string[], now: Date): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const stamp = now.toISOString().replaceAll(/[-:]|\..*/g, "");
  return `${hash.digest("hex").slice(0, 8)}-${stamp}`;
}
