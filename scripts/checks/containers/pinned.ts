/** Whatever number stands beside it, as in `17-latest`. */
const MOVING = /latest|lts|current|edge|nightly/i;

/**
 * Whether an image's name tells which one is meant: a digest, or a tag that begins with a version. `latest`, `lts`, `slim` and
 * `alpine3` are another image tomorrow, and so is a tag that a variable fills in.
 */
export function pinned(image: string): boolean {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return true;
  // A registry may have a port: `localhost:5000/postgres` has no tag.
  const [, tag = ""] = /:([\w.-]+)$/.exec(image.split("/").at(-1) ?? "") ?? [];
  return /^v?\d/.test(tag) && !MOVING.test(tag);
}
