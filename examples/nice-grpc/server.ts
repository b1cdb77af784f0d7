/** A greeter. Run it with: node server.ts 50062 */
import { status } from "@grpc/grpc-js";
import { type CallContext, createServer, ServerError, type ServerMiddlewareCall } from "nice-grpc";
import { GreeterDefinition, type GreeterServiceImplementation } from "./gen/greeter.ts";
import { StatusError, toStatus } from "./interceptors/server/errors.ts";
import { STATUS_DETAILS_KEY } from "./interceptors/status.ts";

const guests: string[] = [];

function greeting(name: string): { text: string } {
  if (name !== "") return { text: `Hello, ${name}` };
  const details = {
    reason: "NAME_MISSING",
    domain: "greeter.example",
    violations: [{ field: "name", description: "" }],
  };
  throw new StatusError(status.INVALID_ARGUMENT, "Cannot greet: the name is empty", details);
}

const greeter: GreeterServiceImplementation = {
  greet: async ({ name }) => greeting(name),
  async *greetAll({ names }) {
    for (const name of names) yield greeting(name);
  },
  async sign({ name }) {
    guests.push(name);
    return { text: `Guest ${guests.length}: ${name}` };
  },
};

/** What a handler throws becomes a status with details. nice-grpc's own error has no place for them: they go as a trailer. */
async function* withDetails<Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
  try {
    return yield* call.next(call.request as never, context);
  } catch (error) {
    const { code, details, metadata } = toStatus(error, { signal: context.signal });
    for (const bytes of metadata.get(STATUS_DETAILS_KEY)) context.trailer.set(STATUS_DETAILS_KEY, Buffer.from(bytes));
    throw new ServerError(code, details);
  }
}

const server = createServer().use(withDetails);
server.add(GreeterDefinition, greeter);
const port = await server.listen(`127.0.0.1:${process.argv[2] ?? 50062}`);
console.log(`greeter on 127.0.0.1:${port}`);
