import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { descriptors } from "@holdfast/contracts/descriptors";

/** Every message, enum and service of the contracts, with their options. */
export const registry: FileRegistry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));

/** The descriptor of a message. @throws {Error} If the contracts have no such message: a mistake in the wiring. */
export function descriptorOf(typeName: string): DescMessage {
  const found = registry.getMessage(typeName);
  if (found === undefined) throw new Error(`The contracts have no message "${typeName}"`);
  return found;
}
