import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended, serviceConfig } from "./support.ts";

test("a service config's timeout of 0.5s is over at once: its fraction counts as nanoseconds", async () => {
  await using server = await rawServer({ Get: (stream) => void stream.end() });
  using whole = rawClient(server.target, serviceConfig({ timeout: "5s" }));
  expect(await call(whole, "Get")).toMatchObject({ code: status.OK });
  using client = rawClient(server.target, serviceConfig({ timeout: "0.5s" }));
  const { code } = await call(client, "Get");
  const workaround = "no service config carries a timeout, client/deadline.ts does it";
  expect(code, mended("fractional timeouts of a service config", workaround)).toBe(status.DEADLINE_EXCEEDED);
});
