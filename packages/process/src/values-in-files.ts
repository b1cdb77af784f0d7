import { readFileSync } from "node:fs";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The variables `names` of the environment, each as it is given or, for a secret, as the content of the file that
 * `<name>_FILE` names: what stands in the environment shows in process lists and in `docker inspect`. One line break at
 * the file's end is not part of the value. Problems are sentences, by variable.
 */
export function valuesInFiles(names: readonly string[], env: Env): { env: Env; problems: Map<string, string> } {
  const values: Record<string, string> = {};
  const problems = new Map<string, string>();
  for (const name of names) {
    const value = env[name];
    const file = env[`${name}_FILE`];
    if (value && file) problems.set(name, `${name}: is given twice, as ${name} and in the file of ${name}_FILE`);
    else if (value) values[name] = value;
    else if (file) {
      const content = read(file);
      if (content instanceof Error) problems.set(name, `${name}_FILE: cannot be read: ${content.message}`);
      else if (content === "")
        problems.set(name, `${name}_FILE: must hold a value, and ${JSON.stringify(file)} is empty`);
      else values[name] = content;
    }
  }
  return { env: values, problems };
}

function read(file: string): string | Error {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    return error as Error;
  }
}
