/** Imports generated rows and prints what it took. Arguments: target, how many rows. A process of its own, to be measured. */
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { generatedRows } from "@holdfast/product-service/testing/generated-rows";
import { connect } from "@holdfast/rpc";

const [target = "", count = "0"] = process.argv.slice(2);
using products = connect(ProductServiceDefinition, target, { timeoutMs: 1_200_000 });
const started = performance.now();
const response = await products.importProducts(generatedRows({ count: Number(count), messageRows: 500 }));
const seconds = (performance.now() - started) / 1_000;
const numbers = Object.fromEntries(Object.entries(response).filter(([, value]) => typeof value === "bigint"));
const counts = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]));
console.log(JSON.stringify({ ...counts, seconds, peakRssMb: (process.resourceUsage().maxRSS * 1_024) / 1_000_000 }));
