// A process for the tests to kill: runs an embedded server in the folder given as argument, prints its process and URL,
// and does not mind Ctrl-C.
import { startEmbeddedPostgres } from "../embedded/start-embedded-postgres.ts";

process.on("SIGINT", () => process.stdout.write("interrupted\n"));
const server = await startEmbeddedPostgres({ folder: process.argv[2] ?? "" });
process.stdout.write(`${server.pid} ${server.adminUrl}\n`);
await server.exited;
