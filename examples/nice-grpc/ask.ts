/** Asks for a greeting: node ask.ts Ada [target] */
import { connect, type GreeterError } from "./client.ts";

const [name = "", target = "127.0.0.1:50062"] = process.argv.slice(2);
const client = connect(target);
try {
  const { text } = await client.greet({ name });
  console.log(text);
} catch (error) {
  const { reason, code, details } = error as GreeterError;
  console.log(`${reason ?? code}: ${details}`);
} finally {
  client.close();
}
