import type { ServedMethod } from "../chain/server-part.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import { serviceMethods } from "../service-methods.ts";

/** The methods of a service as its server sees them. @throws {Error} If the contracts have no policy for one of them. */
export function servedMethods(definition: ServiceDefinition): {
  paths: ReadonlyMap<string, string>;
  methods: (path: string) => ServedMethod | undefined;
} {
  const { paths, facts } = serviceMethods(definition);
  const served = new Map<string, ServedMethod>();
  for (const [key, { requestType, responseType }] of Object.entries(definition.methods)) {
    const path = paths.get(key) ?? "";
    const method = facts(path);
    if (method === undefined) continue;
    served.set(path, {
      ...method,
      encodeRequest: (message) => requestType.encode(message as never).finish(),
      decodeResponse: (bytes) => responseType.decode(bytes),
    });
  }
  return { paths, methods: (path) => served.get(path) };
}
