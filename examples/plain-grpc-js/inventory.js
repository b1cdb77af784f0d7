import { fileURLToPath } from "node:url";
import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const proto = fileURLToPath(new URL("inventory.proto", import.meta.url));

/** The service as proto-loader reads it: a constructor of clients, with its methods in `service`. */
export const { Inventory } = loadPackageDefinition(loadSync(proto)).inventory.v1;
