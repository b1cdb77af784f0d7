// A process for the tests to freeze and to kill: inserts a row, prints its deadline, and then stays in the transaction.
// Arguments: URL of the database, "idle" or "running", milliseconds until the deadline.
import { openDatabase, sql } from "../index.ts";
import { within } from "./scopes.ts";

const [url = "", state = "idle", ms = "0"] = process.argv.slice(2);
await using database = openDatabase<{ note: { text: string } }>({ url, applicationName: "held" });
const scope = within(Number(ms));
await database.transaction(scope, async (tx) => {
  await tx.insertInto("note").values({ text: state }).execute();
  await sql`select pg_sleep(0.5)`.execute(tx); // what follows has less time than the whole transaction
  setImmediate(() => process.stdout.write(`${scope.deadline}\n`));
  if (state === "running") await sql`select pg_sleep(60)`.execute(tx);
  await new Promise(() => setInterval(() => {}, 1_000));
});
