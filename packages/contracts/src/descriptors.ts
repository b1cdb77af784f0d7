import { readFileSync } from "node:fs";

/**
 * The serialized google.protobuf.FileDescriptorSet of all contracts and of what they import, options included. Read
 * at start; validation and reflection follow from it.
 */
export const descriptors: Uint8Array = readFileSync(new URL("./gen/descriptors.binpb", import.meta.url));
