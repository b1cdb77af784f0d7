/** A stock service. Run it with: node server.js 50061 */
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { StatusError, toStatus } from "./interceptors/server/errors.ts";
import { Inventory } from "./inventory.js";

const stock = new Map([
  ["apple", 12],
  ["pear", 3],
]);

function getStock({ sku }) {
  const quantity = stock.get(sku);
  if (quantity === undefined) throw failure(status.NOT_FOUND, `Cannot find "${sku}"`, "SKU_UNKNOWN", { sku });
  return { sku, quantity };
}

function takeStock({ sku, quantity }) {
  const { quantity: there } = getStock({ sku });
  if (quantity > there) {
    throw failure(status.FAILED_PRECONDITION, `Cannot take ${quantity} of "${sku}": there are ${there}`, "TOO_FEW", {
      sku,
      there: `${there}`,
    });
  }
  stock.set(sku, there - quantity);
  return getStock({ sku });
}

function failure(code, text, reason, metadata) {
  return new StatusError(code, text, { reason, domain: "inventory.example", metadata });
}

/** What a callback is called with. Whatever is thrown becomes a status with a reason; an unexpected error loses its text. */
function outcomeOf(work, request) {
  try {
    return [null, work(request)];
  } catch (error) {
    return [toStatus(error)];
  }
}

const answering =
  (work) =>
  ({ request }, callback) =>
    callback(...outcomeOf(work, request));

const server = new Server();
server.addService(Inventory.service, { getStock: answering(getStock), takeStock: answering(takeStock) });
server.bindAsync(`127.0.0.1:${process.argv[2] ?? 50061}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`inventory on 127.0.0.1:${port}`);
});
