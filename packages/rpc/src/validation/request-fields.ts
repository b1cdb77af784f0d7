import type { DescMessage } from "@bufbuild/protobuf";
import { registry } from "./registry.ts";

/** The names of all fields in a method's request, at any depth, as its handler has them. None for a method that is in no contract. */
export function requestFields(path: string): string[] {
  const [, service = "", name = ""] = path.split("/");
  const input = registry.getService(service)?.methods.find((method) => method.name === name)?.input;
  const seen = new Set<DescMessage>(input === undefined ? [] : [input]);
  // Grows while it is gone through.
  for (const { fields } of seen) for (const { message } of fields) if (message !== undefined) seen.add(message);
  return [...seen].flatMap(({ fields }) => fields.map(({ localName }) => localName));
}
