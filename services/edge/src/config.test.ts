import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

describe("readConfig()", () => {
  test("has defaults, but for the routes", () => {
    expect(readConfig({ ROUTES: "50051=payment:50052" })).toEqual({
      ROUTES: [{ port: 50_051, target: { host: "payment", port: 50_052 } }],
      LISTEN_HOST: "127.0.0.1",
      WAIT_MS: 10_000,
      DRAIN_MS: 4_000,
      LOG_LEVEL: "info",
    });
  });

  test.each(["1=a.b:2,3=10.0.0.1:4", "1=a.b:2 3=10.0.0.1:4", "\n 1=a.b:2,\n 3=10.0.0.1:4,\n"])(
    "takes routes with commas or blanks between: %j",
    (routes) => {
      expect(readConfig({ ROUTES: routes }).ROUTES).toEqual([
        { port: 1, target: { host: "a.b", port: 2 } },
        { port: 3, target: { host: "10.0.0.1", port: 4 } },
      ]);
    },
  );

  test.each([
    ["", "ROUTES"],
    [" , ", "ROUTES"],
    ["50051", "<port>=<host>:<port>"],
    ["50051=payment", "<port>=<host>:<port>"],
    ["=payment:50051", "<port>=<host>:<port>"],
    ["50051=:50051", "<port>=<host>:<port>"],
    ["50051=payment:50051,grpc=payment:50051", "<port>=<host>:<port>"],
    ["50051=[::1]:50051", "<port>=<host>:<port>"],
    ["65536=payment:50051", "up to 65535"],
    ["50051=payment:65536", "up to 65535"],
    ["50051=payment:0", "up to 65535"],
  ])("refuses routes %j", (routes, problem) => {
    expect(() => readConfig({ ROUTES: routes })).toThrow(problem);
  });
});
