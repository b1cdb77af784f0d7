/**
 * For a stack in containers, at each start: brings the products of the days that are named as arguments into the catalogue, as
 * far as it does not have them: what has been sold or changed since stays so.
 */
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger, main } from "@holdfast/process";
import { connect, discovery } from "@holdfast/rpc";
import { findTargets } from "../audit/find-stack.ts";
import { importDays } from "./import-days.ts";
import { knownSkus } from "./known-skus.ts";
import { patience } from "./patience.ts";

const IMPORT_TIMEOUT_MS = 60_000;

await main("catalogue", async () => {
  const { targets, resolver } = findTargets();
  const options = { discovery: discovery({ resolver }), timeoutMs: IMPORT_TIMEOUT_MS };
  using products = connect(ProductServiceDefinition, targets.product, options);
  const log = createLogger({ service: "catalogue" });
  const onProgress = (text: string) => log.info(text);
  const signal = AbortSignal.timeout(10 * IMPORT_TIMEOUT_MS);
  const persistence = patience(signal);
  const leave = await knownSkus({ products, persistence, signal });
  await importDays(process.argv.slice(2), { products, leave, persistence, onProgress, signal });
});
