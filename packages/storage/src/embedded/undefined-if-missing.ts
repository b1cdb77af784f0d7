/** For `catch`: a file that is not there is no content. One that is there and cannot be read has some. @throws The error. */
export function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
