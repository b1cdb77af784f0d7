// A process for the tests to kill: a server of one unary method whose calls carry idempotency keys, kept in PostgreSQL. Its
// handler notes that it ran; a request "stay" is never answered. Prints its port, then a line for each run.
// Arguments: URL of the database, "transactional" or "plain".
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { currentClaim, idempotency } from "@holdfast/interceptors/server/idempotency";
import { confirmClaim, type IdempotencySchema, idempotencyInPostgres, openDatabase } from "../../index.ts";
import { within } from "../../testing/scopes.ts";

type Schema = IdempotencySchema & { effect: { note: string } };

const [url = "", mode = "plain"] = process.argv.slice(2);
const transactional = mode === "transactional";
const database = openDatabase<Schema>({ url, applicationName: "keyed" });
const path = "/test.v1.Test/Work";
const asIs = (bytes: Buffer): Buffer => bytes;

const server = new Server({
  interceptors: [
    idempotency({
      store: idempotencyInPostgres(database),
      methods: () => ({ idempotency: "UNKNOWN", key: "metadata" }),
      transactional: transactional ? [path] : [],
    }),
  ],
});

/** Has its effect, and its confirmation with it where it is transactional; then stays for ever if it is asked to. */
async function work(request: string): Promise<Buffer> {
  const claim = currentClaim();
  await database.transaction(within(10_000), async (tx) => {
    await tx.insertInto("effect").values({ note: request }).execute();
    if (transactional && claim !== undefined) await confirmClaim(tx, claim);
    if (request !== "stay before the commit") return;
    process.stdout.write(`ran ${request}\n`);
    await new Promise(() => undefined);
  });
  // Not before: whoever reads it may end the process at once.
  process.stdout.write(`ran ${request}\n`);
  if (request === "stay after the commit") await new Promise(() => undefined);
  return Buffer.from(`done by ${process.pid}`);
}

server.addService(
  {
    Work: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  },
  {
    Work: (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => {
      work(call.request.toString()).then(
        (answer) => respond(null, answer),
        (error: unknown) => respond({ code: status.INTERNAL, details: String(error) }),
      );
    },
  },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
