import type { ServedMethod } from "../chain/server-part.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import { serviceMethods } from "../service-methods.ts";

/** The methods of services as their server sees them. @throws {Error} If the contracts have no policy for one of them. */
export function servedMethods(...definitions: readonly ServiceDefinition[]): {
  paths: ReadonlyMap<string, string>;
  methods: (path: string) => ServedMethod | undefined;
} {
  const paths = new Map<string, string>();
  const served = new Map<string, ServedMethod>();
  for (const definition of definitions) {
    const { paths: own, facts } = serviceMethods(definition);
    for (const [key, path] of own) {
      const method = facts(path);
      const types = definition.methods[key];
      if (method === undefined || types === undefined) continue;
      // The first one has the name; a method of another service is named by its path.
      if (!paths.has(key)) paths.set(key, path);
      served.set(path, {
        ...method,
        encodeRequest: (message) => types.requestType.encode(message as never).finish(),
        decodeResponse: (bytes) => types.responseType.decode(bytes),
      });
    }
  }
  return { paths, methods: (path) => served.get(path) };
}
