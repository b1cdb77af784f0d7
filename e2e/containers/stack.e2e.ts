import { Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { report } from "../long/report.ts";
import { clientsOf, aProduct, anOrder, placed, settled } from "../support/clients.ts";
import { docker, logsOf } from "../support/docker.ts";
import { ComposeStack, CONTAINERS } from "./compose-stack.ts";
import { secondsSince } from "./seconds-since.ts";
import { BASE_IMAGE } from "./setup.ts";

const TARGETS = { payment: "127.0.0.1:50051", product: "127.0.0.1:50052", order: "127.0.0.1:50053" };
const IMAGES = ["edge", "payment", "product", "order", "payment-provider", "tools"];
const MB = 1_000_000;

describe.skipIf(inject("containers").missing !== undefined)("the stack in containers", () => {
  const { project } = inject("containers");
  const stack = new ComposeStack(project);
  beforeAll(() => stack.up(), 60_000);
  const figures: Record<string, string | number> = {};
  afterAll(() => report("containers, what they take", figures));

  test("is up and healthy in one go, what runs once has ended well", async () => {
    const { first: containers } = inject("containers");
    const up = containers.filter(({ state }) => state === "running");
    expect(up.map(({ service }) => service).toSorted()).toEqual([...CONTAINERS].toSorted());
    expect(up.every(({ health }) => health === "healthy")).toBe(true);
    const once = containers.filter(({ state }) => state !== "running");
    expect(once.map(({ service, exitCode }) => `${service} ${exitCode}`).toSorted()).toEqual([
      "catalogue 0",
      "provision 0",
    ]);
  });

  test("has images of no more than 120 MB above their base, without what only tests need", async () => {
    const base = await sizeOf(BASE_IMAGE);
    for (const name of IMAGES) {
      const image = `${project}-${name}`;
      const above = Math.round(((await sizeOf(image)) - base) / MB);
      figures[`${name} MB above its base`] = above;
      expect(above).toBeLessThanOrEqual(120);
      const own = await docker([
        "run",
        "--rm",
        image,
        "find",
        "/app",
        "-name",
        "node_modules",
        "-prune",
        "-o",
        "-name",
        "*.test.ts",
      ]);
      expect(own).not.toContain(".test.ts");
      expect(await docker(["run", "--rm", image, "ls", "/app/node_modules/.pnpm"])).not.toMatch(/vitest|typescript@/);
    }
  });

  test("runs as nobody in particular, with nothing it does not need, and no secret to be seen", async () => {
    const secrets: string[] = [];
    for (const service of ["payment", "product", "order"] as const) {
      const url = await stack.compose(["exec", "-T", service, "cat", "/run/secrets/database-url"]);
      secrets.push(new URL(url).password);
      // Its own, and nobody else's.
      expect(await stack.compose(["exec", "-T", service, "ls", "/run/secrets"])).toBe("database-url");
    }
    expect(new Set(secrets).size).toBe(3);
    for (const { name } of await stack.containers()) {
      const inspected = await docker(["inspect", name]);
      for (const secret of secrets) expect(inspected).not.toContain(secret);
      expect((await logsOf(name)).join("\n")).not.toMatch(new RegExp(secrets.join("|")));
      const [{ HostConfig: host, Config: config }] = JSON.parse(inspected);
      expect({ name, root: ["", "root", "0"].includes(config.User) }).toEqual({ name, root: false });
      expect(host).toMatchObject({
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        CapAdd: null,
        Privileged: false,
        Init: true,
      });
      expect(host.SecurityOpt).toEqual(["no-new-privileges:true"]);
      expect(host.Memory).toBeGreaterThan(0);
    }
    for (const service of CONTAINERS) {
      const status = await stack.compose(["exec", "-T", service, "cat", "/proc/1/status"]);
      expect(/^CapEff:\s+0+$/m.test(status)).toBe(true);
      expect(/^Uid:\s+0/m.test(status)).toBe(false);
    }
    await expect(stack.compose(["exec", "-T", "order", "touch", "/app/x"])).rejects.toThrow(/Read-only/);
  });

  test("publishes three ports on loopback, and no database", async () => {
    const published = await docker([
      "ps",
      "--filter",
      `label=com.docker.compose.project=${project}`,
      "--format",
      "{{.Ports}}",
    ]);
    const ports = published
      .split("\n")
      .flatMap((line) => line.split(", "))
      .filter((port) => port.includes("->"));
    expect(ports).toEqual(["127.0.0.1:50051-50053->50051-50053/tcp"]);
  });

  test("logs JSON, each line", async () => {
    for (const service of ["edge", "payment", "product", "order", "payment-provider", "provision", "catalogue"]) {
      const lines = await logsOf(stack.container(service));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(JSON.parse(line)).toHaveProperty("msg");
    }
  });

  test("lets one container at a time have the data", async () => {
    const start = (service: string) => stack.compose(["run", "--rm", "-T", "--no-deps", service]);
    await expect(start("database")).rejects.toThrow("Another container runs PostgreSQL on this volume");
    await expect(start("payment-provider")).rejects.toMatchObject({ code: 75 });
    // A command of one's own is another matter.
    const args = [
      "run",
      "--rm",
      "-T",
      "--no-deps",
      "database",
      "psql",
      "--username",
      "postgres",
      "--command",
      "select 1",
    ];
    expect(await stack.compose(args)).toContain("(1 row)");
  });

  test("takes an order from the host, and keeps it when all of it stops and starts", async () => {
    const clients = clientsOf(TARGETS);
    const id = await placed(clients, anOrder(await aProduct(clients)));
    expect((await settled(clients, id)).state).toBe(Order_State.STATE_CONFIRMED);
    const stopping = performance.now();
    await stack.compose(["down"]);
    figures["down s"] = secondsSince(stopping);
    expect(performance.now() - stopping).toBeLessThan(15_000);
    await stack.compose(["up", "--wait"]);
    const { order } = await clients.orders.getOrder({ orderId: id }, { waitForReady: true });
    expect(order?.state).toBe(Order_State.STATE_CONFIRMED);
    await stack.compose(["stop"]);
    // Of its own accord: 137 would be SIGKILL.
    const ends = (await stack.containers()).map(({ service, exitCode }) => `${service} ${exitCode}`);
    expect(ends.filter((end) => !end.endsWith(" 0"))).toEqual([]);
    await stack.compose(["up", "--wait"]);
  });

  test("replays a day", async () => {
    const output = await stack.compose(
      ["run", "--rm", "-T", "replay", "/data/2010-12-06.csv", "--speed-up", "max"],
      300_000,
    );
    expect(output).toMatch(/violations 0$/);
    figures["after a replay MB"] = await stack.memory();
  });
});

async function sizeOf(image: string): Promise<number> {
  return Number(await docker(["image", "inspect", "--format", "{{.Size}}", image]));
}
