import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended } from "./support.ts";

const CALLS = 40;

/** How many of two servers a channel with this load balancing config calls. */
async function serversReached(loadBalancingConfig: object[]): Promise<number> {
  const reached = new Set<number>();
  const serve = (index: number) =>
    rawServer({
      Get: (stream) => {
        reached.add(index);
        stream.end();
      },
    });
  await using first = await serve(1);
  await using second = await serve(2);
  using client = rawClient(`ipv4:${first.target},${second.target}`, {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig, methodConfig: [] }),
  });
  for (let calls = 0; calls < CALLS; calls += 1) await call(client, "Get");
  return reached.size;
}

test("outlier_detection as its specification writes it is ignored without a word: all calls go to one host", async () => {
  const snake = { outlier_detection: { interval: { seconds: 10, nanos: 0 }, child_policy: [{ round_robin: {} }] } };
  expect(await serversReached([snake])).toBe(2);
  const camel = { outlier_detection: { interval: "10s", childPolicy: [{ round_robin: {} }] } };
  const workaround = "nothing sets outlier_detection, client/breaker.ts and client/attempt-routing.ts do without";
  expect(await serversReached([camel]), mended("outlier_detection in JSON form", workaround)).toBe(1);
});
