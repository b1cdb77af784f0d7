import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect, discovery } from "@holdfast/rpc";
import { auditAndPrint } from "../audit/audit-and-print.ts";
import { InputError } from "../audit/input-error.ts";
import { findStack } from "../audit/find-stack.ts";
import { endWithReader } from "../end-with-reader.ts";
import { assertInvoicesOnce } from "./assert-invoices-once.ts";
import { assertReachable } from "./assert-reachable.ts";
import { catalogueOf } from "./catalogue-of.ts";
import { systemClock as clock } from "./clock.ts";
import { importCatalogue } from "./import-catalogue.ts";
import { readOptions, type ReplayOptions, USAGE } from "./options.ts";
import { persistence as startPersistence } from "./persistence.ts";
import { printReport } from "./print-report.ts";
import { showProgress } from "./progress.ts";
import { readDay } from "./read-day.ts";
import { readRows } from "./read-rows.ts";
import { replayDay } from "./replay-day.ts";
import { runName } from "./run-name.ts";
import type { ReplayedDay } from "./summary.ts";

async function replay(options: ReplayOptions, signal: AbortSignal): Promise<boolean> {
  const days = [];
  for (const file of options.files) days.push(await readDay(file));
  assertInvoicesOnce(days);
  const { targets, isOfStack, resolver, books } = await findStack(options.folder, process.env, options.targets);
  const instances = discovery({ resolver });
  const asking = { discovery: instances, clock, signal };
  await assertReachable("the product service", targets.product, { ...asking, isOfStack: isOfStack.product });
  await assertReachable("the order service", targets.order, { ...asking, isOfStack: isOfStack.order });
  const run = options.run ?? (await runName(options.files, new Date()));
  console.log(`Run "${run}"; an interrupted one goes on with --run ${run}`);

  using products = connect(ProductServiceDefinition, targets.product, { discovery: instances, timeoutMs: 120_000 });
  using orders = connect(OrderServiceDefinition, targets.order, { discovery: instances, timeoutMs: 5_000 });
  using streams = connect(OrderServiceDefinition, targets.order, { discovery: instances, timeoutMs: 10_000 });
  const { giveUpAfterMs, concurrency, paymentMethod, speedUp } = options;
  const persistence = startPersistence({ clock, signal, giveUpAfterMs });

  const catalogue = await catalogueOf(rowsOf(options.files));
  const imported = await importCatalogue(catalogue, { products, persistence, signal });
  console.log(`Catalogue: ${catalogue.length} products, ${imported.created} of them new`);

  const replayed: ReplayedDay[] = [];
  for (const [index, day] of days.entries()) {
    using progress = showProgress(`Day ${index + 1} of ${days.length}`, day.orders.length);
    const deps = { orders, streams, productIds: imported.ids, run, paymentMethod, concurrency, speedUp };
    replayed.push(await replayDay(day, { ...deps, persistence, clock, signal, progress }));
  }
  const good = await printReport(replayed, { ...options, run, faults: persistence.faults });
  return (await auditAndPrint(books, { inFlightOk: false })) && good;
}

async function* rowsOf(files: readonly string[]) {
  for (const file of files) yield* readRows(file);
}

endWithReader();
const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());
try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else process.exitCode = (await replay(options, interrupt.signal)) ? 0 : 1;
} catch (error) {
  if (interrupt.signal.aborted) {
    console.error("Interrupted: the orders placed so far go their way");
    process.exitCode = 130;
  } else if (error instanceof InputError) {
    console.error(error.message);
    process.exitCode = 2;
  } else {
    console.error(error);
    process.exitCode = 1;
  }
}
