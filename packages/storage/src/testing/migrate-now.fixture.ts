// A process for the tests that migrates: URL of the database and folder are its arguments.
import { migrate } from "../index.ts";

const [url = "", folder = ""] = process.argv.slice(2);
await migrate(url, new URL(folder), { onProgress: (message) => process.stdout.write(`${message}\n`) });
