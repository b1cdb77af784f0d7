import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { descriptors } from "../descriptors.ts";

/** What ts-proto generates for a message. */
export interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

/** Every message of our own packages that goes on a wire, nested ones included: options of the protos do not. */
export function ownMessages(): DescMessage[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const all = [...registry.files].flatMap((file) => file.messages).flatMap((message) => [message, ...nested(message)]);
  return all.filter(({ typeName }) => /^ecommerce\.(?!options\.)/.test(typeName));
}

function nested(message: DescMessage): DescMessage[] {
  return message.nestedMessages.flatMap((child) => [child, ...nested(child)]);
}

/** The generated code of a message: of `Order.Line` it is the export `Order_Line`. */
export async function codecOf({ file, typeName }: DescMessage): Promise<Codec> {
  const name = typeName.slice(file.proto.package.length + 1).replaceAll(".", "_");
  const url = new URL(`../gen/${file.name}.ts`, import.meta.url).href;
  const generated = (await import(/* @vite-ignore */ url)) as Record<string, Codec>;
  const codec = generated[name];
  if (codec === undefined) throw new Error(`${file.name} generates no ${name}`);
  return codec;
}
