/** The tree cannot be installed. The message is for the user: what happened and what to do. */
export class InstallError extends Error {
  name = "InstallError";
}
