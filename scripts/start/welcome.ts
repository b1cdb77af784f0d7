import { accessSync, constants } from "node:fs";
import { delimiter, join, relative } from "node:path";
import type { Stack } from "@holdfast/stack";
import type { ExampleProduct } from "../seed/seed-catalogue.ts";

const SERVICE = "ecommerce.order.v1.OrderService";

/** What runs where, and two commands to try. */
export function welcome(stack: Stack, product: ExampleProduct, path = process.env["PATH"] ?? ""): string {
  const at = ({ host = "localhost", target }: { host?: string; target: string }) =>
    `${host}:${target.slice(target.lastIndexOf(":") + 1)}`;
  const order = at({ target: stack.targets.order });
  const rows = [
    ...stack.processes.instances.all().map(({ name, port }) => [name, `localhost:${port}`, "gRPC"]),
    ["cluster DNS", stack.clusterDns, "answers for cluster.local, where the services find each other"],
    ["payment provider", stack.providerUrl.replace("http://", ""), "HTTP, a simulator"],
    ["PostgreSQL", at({ target: new URL(stack.adminUrl).host }), "a database for each service"],
  ];
  const table = rows.map(([name = "", where = "", what = ""]) => `  ${name.padEnd(18)}${where.padEnd(18)}${what}`);
  const commands = commandsToTry(order, product, has("grpcurl", path));
  return `
${table.join("\n")}
  ${"logs".padEnd(18)}${nearest(stack.logs)}

Two commands to try in another terminal. The second one orders "${product.name}":

${commands.map((command) => `  ${command}`).join("\n\n")}

Ctrl-C stops everything. The data stays for the next start; npm start -- --fresh forgets it.
`;
}

/** As short as a path can be written here. */
function nearest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}

/** With grpcurl where it is installed, otherwise with buf, which always is. */
export function commandsToTry(target: string, product: ExampleProduct, grpcurl: boolean): readonly string[] {
  const request = JSON.stringify({
    customer_id: "ada",
    items: [{ product_id: product.id, quantity: 1 }],
    idempotency_key: "my-first-order",
    payment_method: "pm_card_ok",
  });
  if (grpcurl) {
    return [`grpcurl -plaintext ${target} list`, `grpcurl -plaintext -d '${request}' ${target} ${SERVICE}/CreateOrder`];
  }
  const buf = "node_modules/.bin/buf curl --protocol grpc --http2-prior-knowledge";
  return [`${buf} --list-methods http://${target}`, `${buf} -d '${request}' http://${target}/${SERVICE}/CreateOrder`];
}

function has(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this one
    }
  });
}
