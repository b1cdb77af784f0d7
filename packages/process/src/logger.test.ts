import { describe, expect, test } from "vitest";
import { createLogger } from "./logger.ts";

function capture(level?: string) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ service: "order", destination, ...(level === undefined ? {} : { level }) });
  return { log, lines, last: (): unknown => JSON.parse(lines.at(-1) ?? "null") };
}

describe("createLogger()", () => {
  test("writes one JSON object a line, with level, service and time", () => {
    const { log, last } = capture();
    log.info({ orderId: "ord_1" }, "order accepted");
    expect(last()).toMatchObject({ level: "info", service: "order", orderId: "ord_1", msg: "order accepted" });
    expect(last()).toHaveProperty("time", expect.stringMatching(/^\d{4}-\d\d-\d\dT/));
  });

  test("writes amounts as digits, without loss", () => {
    const { log, last } = capture();
    log.info({ amount: { minorUnits: 9_007_199_254_740_993n } }, "charge settled");
    expect(last()).toMatchObject({ amount: { minorUnits: "9007199254740993" } });
  });

  test("writes no secret: by name, in a URL, in an error, in a child's fields", () => {
    const { log, lines } = capture();
    log.info({ password: "geheim", db: { url: "postgres://u:geheim@db" } }, "a");
    log.error({ err: new Error("cannot reach postgres://u:geheim@db", { cause: new Error("b") }) }, "c");
    log.error(new Error("cannot reach postgres://u:geheim@db"));
    log.child({ api_token: "geheim" }).info("d");
    expect(lines).toHaveLength(4);
    expect(lines.join("")).not.toContain("geheim");
    expect(lines[1]).toContain("Error: cannot reach");
  });

  test("leaves out what is below its level", () => {
    const { log, lines } = capture("warn");
    log.info("a");
    expect(lines).toEqual([]);
  });
});
