import { describe, expect, test } from "vitest";
import { commandsToTry } from "./welcome.ts";

describe("commandsToTry()", () => {
  test.each([
    ["grpcurl", true],
    ["buf", false],
  ])("lists the service and orders the product with %s", (program, grpcurl) => {
    const [list, order] = commandsToTry("localhost:50053", { id: "prod_1", name: "LANTERN" }, grpcurl);
    expect(list).toContain(program);
    expect(list).toContain("localhost:50053");
    expect(order).toMatch(/"product_id":"prod_1".*ecommerce\.order\.v1\.OrderService\/CreateOrder$/);
  });
});
