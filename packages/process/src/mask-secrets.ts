const SECRET_NAME = /(password|secret|token|authorization|cookie|private_?key)$/i;
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^:@/\s"]*):[^\s"]*@/gi;
const QUERY_PASSWORD = /([?&](?:password|secret|token)=)[^&\s"]*/gi;
const DEEPEST = 8;

/**
 * A copy that may be printed: what a secret's name holds, and the password inside a URL, become `***`; a bigint becomes
 * a string of digits, because JSON has no bigint. What is not a plain object or array (an Error, a Date) stays as it is.
 */
export function maskSecrets(value: unknown): unknown {
  return masked(value, 0);
}

function masked(value: unknown, depth: number): unknown {
  if (typeof value === "string") return maskText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth === DEEPEST) return "[too deep]";
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, depth + 1));
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [name, maskNamed(name, held) ?? masked(held, depth + 1)]),
  );
}

/** `***` where `name` says that the value is a secret, `undefined` where it does not. */
export function maskNamed(name: string, value: unknown): "***" | undefined {
  return SECRET_NAME.test(name) && value !== undefined && value !== "" ? "***" : undefined;
}

/** The text without the passwords of the URLs in it. */
export function maskText(text: string): string {
  // Up to the last "@", so that a password with an unescaped "@" or "/" is hidden whole.
  return text.replace(URL_PASSWORD, "$1:***@").replace(QUERY_PASSWORD, "$1***");
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
