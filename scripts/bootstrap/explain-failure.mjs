const EXPLANATIONS = [
  [/ENOSPC|no space left/i, "The disk is full: the packages need 1 GB. Make room, then run the same command again."],
  [
    /EACCES|EPERM|EROFS|permission denied|read-only file system/i,
    (root) =>
      `This user may not write everywhere below "${root}" or in its home folder: make both its own, or use a copy.`,
  ],
  [
    /OUTDATED_LOCKFILE|FROZEN_LOCKFILE/,
    "A package.json has changed without the lockfile: run `npx pnpm@12 install` once.",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|ERR_SOCKET|FETCH_FAIL|META_FETCH|dns error|error sending request|network/i,
    "The npm registry cannot be reached: the first start needs a connection (or npm's proxy settings). Later ones do not.",
  ],
  [
    /ENOENT.*(npx|npm)|spawn (npx|npm) /,
    "npm is not on the PATH: it comes with Node, install both from https://nodejs.org.",
  ],
];

/** What to do about it, in a sentence, from what a failed program printed. */
export function explainFailure(output, root) {
  const [, advice] = EXPLANATIONS.find(([pattern]) => pattern.test(output)) ?? [];
  if (advice === undefined) return "Run the same command again; if it fails again, delete node_modules first.";
  return typeof advice === "function" ? advice(root) : advice;
}
