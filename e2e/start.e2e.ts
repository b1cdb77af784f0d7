import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect, RemoteError, Status } from "@holdfast/rpc";
import { readStackFile, type StackFile } from "@holdfast/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAlive, type NpmStart, newFolder, npmStart, until } from "./support/npm-start.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "..");
const CTRL_C_WITHIN_MS = 5_000;
const SECOND_START_WITHIN_MS = 5_000;
const PROCESSES = ["payment", "product", "order", "provider", "postgres"] as const;

let folder: Awaited<ReturnType<typeof newFolder>>;
beforeAll(async () => void (folder = await newFolder()));
afterAll(() => folder[Symbol.asyncDispose]());

const pidsOf = ({ pids }: StackFile) => Object.values(pids);

async function ready(stack: NpmStart): Promise<StackFile> {
  await stack.says("Holdfast is ready");
  await stack.says("Ctrl-C stops everything");
  return readStackFile(folder.path);
}

async function ctrlC(stack: NpmStart): Promise<"ended well, in time" | object> {
  stack.child.kill("SIGINT");
  const { code, elapsedMs } = await stack.end();
  return code === 0 && elapsedMs < CTRL_C_WITHIN_MS ? "ended well, in time" : { code, elapsedMs, said: stack.output() };
}

/** The commands that it printed to be tried. */
function commandsIn(output: string): string[] {
  return output.split("\n").filter((line) => /^ {2}(grpcurl|node_modules\/\.bin\/buf) /.test(line));
}

/** Places an order for a seeded product and waits until it is CONFIRMED. */
async function confirmedOrder({ targets }: StackFile, idempotencyKey: string): Promise<string> {
  using products = connect(ProductServiceDefinition, targets.product, { timeoutMs: 10_000 });
  using orders = connect(OrderServiceDefinition, targets.order, { timeoutMs: 30_000 });
  let productId = "";
  for await (const page of products.listProducts({ inStockOnly: true, pageSize: 1 })) {
    productId = page.products[0]?.id ?? "";
  }
  const items = [{ productId, quantity: 1 }];
  const { order } = await orders.createOrder({ customerId: "ada", items, idempotencyKey, paymentMethod: "pm_card_ok" });
  const orderId = order?.id ?? "";
  let last: Order_State | undefined;
  for await (const { event } of orders.streamOrderUpdates({ orderId })) last = event?.state;
  expect(last).toBe(Order_State.STATE_CONFIRMED);
  return orderId;
}

describe("npm start", () => {
  let orderId = "";

  test("starts everything, seeds the catalogue, and prints commands that work", async () => {
    const stack = npmStart(folder.path);
    const file = await ready(stack);
    const commands = commandsIn(stack.output());
    expect(commands).toHaveLength(2);
    const [list, order] = await Promise.all(commands.map((command) => run("sh", ["-c", command], { cwd: ROOT })));
    expect(list?.stdout).toContain("ecommerce.order.v1.OrderService");
    expect(order?.stdout).toMatch(/"state":\s*"STATE_PENDING"/);
    orderId = await confirmedOrder(file, "first-start");
    expect(await ctrlC(stack)).toBe("ended well, in time");
    for (const name of PROCESSES) expect(stack.output()).toMatch(new RegExp(`${name} stopped \\(\\d`));
    expect(pidsOf(file).filter(isAlive)).toEqual([]);
    expect((await stat(join(folder.path, "stack.json"))).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder.path, "logs"))).toEqual(expect.arrayContaining(["order.log", "provider.log"]));
  });

  test("is ready within 5 s the second time, with the data of the first", async () => {
    const since = performance.now();
    const stack = npmStart(folder.path);
    const { targets } = await ready(stack);
    expect(performance.now() - since).toBeLessThan(SECOND_START_WITHIN_MS);
    expect(stack.output()).not.toContain("imported");
    using orders = connect(OrderServiceDefinition, targets.order, { timeoutMs: 10_000 });
    expect((await orders.getOrder({ orderId })).order?.state).toBe(Order_State.STATE_CONFIRMED);
    expect(await ctrlC(stack)).toBe("ended well, in time");
  });

  test("starts each killed process again, and orders go on", async () => {
    const stack = npmStart(folder.path);
    const before = await ready(stack);
    for (const name of PROCESSES) {
      process.kill(before.pids[name] ?? 0, "SIGKILL");
      await stack.says(`${name} ended by SIGKILL, started again in`);
      await stack.says(`${name} started again`);
    }
    await until(async () => Object.keys((await readStackFile(folder.path)).pids).length === PROCESSES.length);
    await confirmedOrder(await readStackFile(folder.path), "after-kills");
    expect(await ctrlC(stack)).toBe("ended well, in time");
  });

  test("leaves nothing running when it is killed, and starts again at once", async () => {
    const killed = npmStart(folder.path);
    const file = await ready(killed);
    process.kill(file.pid, "SIGKILL");
    await killed.end();
    const next = npmStart(folder.path);
    const now = await ready(next);
    expect(pidsOf(file).filter((pid) => isAlive(pid) && !pidsOf(now).includes(pid))).toEqual([]);
    expect(await ctrlC(next)).toBe("ended well, in time");
  });

  test("leaves nothing running when what started it is killed", async () => {
    const stack = npmStart(folder.path);
    const file = await ready(stack);
    stack.child.kill("SIGKILL");
    await stack.end();
    await until(() => pidsOf(file).every((pid) => !isAlive(pid)));
    expect(stack.output()).toContain("postgres stopped");
  });

  test("ends a frozen process of a start that was killed", async () => {
    const killed = npmStart(folder.path);
    const { pid, pids } = await ready(killed);
    process.kill(pids["order"] ?? 0, "SIGSTOP");
    process.kill(pid, "SIGKILL");
    await killed.end();
    const next = npmStart(folder.path);
    await next.says(`waiting for order of an earlier start to end (process ${pids["order"]})`);
    await ready(next);
    expect(isAlive(pids["order"] ?? 0)).toBe(false);
    expect(await ctrlC(next)).toBe("ended well, in time");
  });

  test("stops within 5 s with a frozen process in it", async () => {
    const stack = npmStart(folder.path);
    const { pids } = await ready(stack);
    process.kill(pids["payment"] ?? 0, "SIGSTOP");
    expect(await ctrlC(stack)).toBe("ended well, in time");
  });

  test("stops while it starts", async () => {
    const stack = npmStart(folder.path);
    await stack.says("Starting");
    await until(async () => Object.keys((await readStackFile(folder.path)).pids).length > 0);
    const { pids } = await readStackFile(folder.path);
    stack.child.kill("SIGINT");
    const { code, elapsedMs } = await stack.end();
    expect(code).toBe(130);
    expect(elapsedMs).toBeLessThan(CTRL_C_WITHIN_MS);
    expect(Object.values(pids).filter(isAlive)).toEqual([]);
  });

  test("refuses a second start in the same folder, and names the first", async () => {
    const first = npmStart(folder.path);
    const { pid } = await ready(first);
    const second = npmStart(folder.path);
    expect(await second.end()).toMatchObject({ code: 1 });
    expect(second.output()).toContain(`process ${pid}`);
    expect(await ctrlC(first)).toBe("ended well, in time");
  });

  test("waits for a stack of the same folder that is stopping", async () => {
    const first = npmStart(folder.path);
    await ready(first);
    first.child.kill("SIGINT");
    await first.says("stopping");
    const second = npmStart(folder.path);
    await ready(second);
    expect(await first.end()).toMatchObject({ code: 0 });
    expect(await ctrlC(second)).toBe("ended well, in time");
  });

  test("says who has a port, and how to choose another", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const stack = npmStart(folder.path, [], ["--payment-port=0", "--product-port=0", `--order-port=${port}`]);
    expect(await stack.end()).toMatchObject({ code: 1 });
    expect(stack.output()).toContain(`Port ${port} (order) is in use by`);
    expect(stack.output()).toContain("choose another with --order-port=");
    listener.close();
  });

  test("forgets everything with --fresh", async () => {
    const own = join(folder.path, "mine.txt");
    await writeFile(own, "keep");
    const stack = npmStart(folder.path, ["--fresh"]);
    const { targets } = await ready(stack);
    using orders = connect(OrderServiceDefinition, targets.order, { timeoutMs: 10_000 });
    const error: unknown = await orders.getOrder({ orderId }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: Status.NOT_FOUND });
    expect(await readFile(own, "utf8")).toBe("keep");
    expect(await ctrlC(stack)).toBe("ended well, in time");
  });

  test("seeds again after a seed that did not finish", async () => {
    const first = npmStart(folder.path);
    await ready(first);
    expect(await ctrlC(first)).toBe("ended well, in time");
    await rm(join(folder.path, "seeded.json"));
    const second = npmStart(folder.path);
    await ready(second);
    expect(second.output()).toMatch(/imported \d+ products/);
    expect(await ctrlC(second)).toBe("ended well, in time");
  });

  test.each([
    ["an unknown option", ["--frsh"], 2, "--frsh"],
    ["a wrong port", ["--order-port=http"], 2, '"http"'],
  ])("refuses %s with how to use it", async (_, args, code, said) => {
    const stack = npmStart(folder.path, args, []);
    expect(await stack.end()).toMatchObject({ code });
    expect(stack.output()).toContain(said);
    expect(stack.output()).toContain("npm start [-- options]");
  });

  test("says that it cannot keep data in a folder", async () => {
    const file = join(folder.path, "file");
    await mkdir(folder.path, { recursive: true });
    await writeFile(file, "");
    const stack = npmStart(join(file, "below"));
    expect(await stack.end()).toMatchObject({ code: 1 });
    expect(stack.output()).toContain("Cannot keep data in");
  });
});
