const WORD = "(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIAL)";

const NAME = new RegExp(WORD, "i");
/** `DATABASE_URL_FILE` and `SECRETS_FOLDER` tell where a secret lies, which is none. */
const PLACE = /_(FILE|FOLDER|DIR|PATH)$/i;

/** `postgresql://order:hunter2@database`, `?password=hunter2`, or a private key itself. */
const VALUE = /[a-z][\w+.-]*:\/\/[^\s/:@]*:[^\s/@]+@|[?&]password=|-----BEGIN [A-Z ]*PRIVATE KEY/i;

/**
 * `PASSWORD=hunter2` or `--token hunter2` in a command line. Not a path, and not `$$(…)` or `$(…)`: what the container's
 * shell computes is told nowhere in the file.
 */
const ARGUMENT = new RegExp(`([\\w-]*${WORD}S?=|--?[\\w-]*${WORD}S?\\s+)["']?(?!\\$\\$|\\$\\(|/|-)[^\\s"']`, "gi");

/** Whether a variable's name says that its value is a secret. */
function secretName(name: string): boolean {
  return NAME.test(name) && !PLACE.test(name);
}

/** Whether a value has a secret in it, whatever its name is. */
function secretValue(value: string): boolean {
  return VALUE.test(value);
}

/** The variables of a list whose name or value says secret. No message repeats a value. */
export function secretVariables(variables: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(variables).filter((name) => secretName(name) || secretValue(variables[name] ?? ""));
}

/** What of a command line says secret: the names of arguments, or "a URL". */
export function secretArguments(words: readonly string[]): readonly string[] {
  const line = words.join(" ");
  const names = [...line.matchAll(ARGUMENT)].map(([, name = ""]) => name.replace(/[=\s]+$/, ""));
  return secretValue(line) ? [...names, "a URL"] : names;
}
