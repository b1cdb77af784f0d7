/** What says secret wherever it stands, as in `DB_PASSWORD_OLD`. */
const LONG = "PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIAL";
/** What says so at the end only: `PGPASS` does, `BYPASS`, `PASS_THROUGH`, `PWD` and `AUTH_HOST` don't. */
const SHORT = "(?<!BY|COM)PASS|(?<!^|^OLD)PWD|(?<![A-Z])(?:AUTH|CREDS?|JWT)";

const NAME = new RegExp(`${LONG}|(?:${SHORT})$`, "i");
const ARGUMENT_NAME = new RegExp(`(?:(?:${LONG})S?|${SHORT})$`, "i");
/** `DATABASE_URL_FILE` and `SECRETS_FOLDER` tell where a secret lies, which is none. */
const PLACE = /_(FILE|FOLDER|DIR|PATH)$/i;
const PATH = /^$|^(\.{0,2}|~)\//;

/** `postgresql://order:hunter2@database`, or a private key itself. */
const VALUE = /[a-z][\w+.-]*:\/\/[^\s/:@]*:[^\s/@]+@|-----BEGIN [A-Z ]*PRIVATE KEY/i;

/**
 * `PASSWORD=hunter2` or `--token hunter2`, in a command line, a query or a list of options. Not a path, and not `$$(…)` or `$(…)`:
 * what the container's shell computes is told nowhere in the file.
 */
const ARGUMENT = /(?:([\w-]+)=|(?<=^|\s)(--?[\w-]+)\s+)(?=["']?(?!\$\$|\$\(|[/=>-])[^\s"'])/g;

/** The variables of a list whose name or value says secret. No message repeats a value. */
export function secretVariables(variables: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(variables).flatMap(([name, value]) => {
    const told = NAME.test(inParts(name)) && !(PLACE.test(name) && PATH.test(value));
    return told || secretArguments([value]).length > 0 ? [name] : [];
  });
}

/** What of a command line says secret: the names of arguments, or "a URL or key". */
export function secretArguments(words: readonly string[]): readonly string[] {
  const line = words.join(" ");
  const names = [...line.matchAll(ARGUMENT)].map(([, assigned, flag]) => assigned ?? flag ?? "");
  const secret = names.filter((name) => ARGUMENT_NAME.test(inParts(name)));
  return VALUE.test(line) ? [...secret, "a URL or key"] : secret;
}

/** Where within a value something says secret, such as `labels.password`. A list counts as one command line. */
export function secretPlaces(value: unknown, place = ""): readonly string[] {
  if (typeof value === "string" || typeof value === "number") {
    const name = place.split(".").at(-1) ?? "";
    return value !== "" && secretVariables({ [name]: String(value) }).length > 0 ? [place] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  const words = Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  const parts = Object.entries(value).filter(([, part]) => !words.includes(part));
  return [
    ...(secretArguments(words).length > 0 ? [place] : []),
    ...parts.flatMap(([name, part]) => secretPlaces(part, place === "" ? name : `${place}.${name}`)),
  ];
}

/** `dbAuth` as `db_Auth`: a name's end begins with its last part. */
function inParts(name: string): string {
  return name.replace(/([a-z])(?=[A-Z])/g, "$1_");
}
