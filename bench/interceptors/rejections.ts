import { breaker, Breakers } from "@holdfast/interceptors/client/breaker";
import { contender } from "../contenders/grpc-js.ts";
import { median } from "../harness/statistics.ts";

/** How long a call took that an open circuit refused. Unit: milliseconds. */
export interface Rejections {
  n: number;
  medianMs: number;
  p99Ms: number;
  highestMs: number;
}

/** Makes calls through an open circuit, one after the other, the first ones included. No server has to be there. */
export async function measureRejections(n: number): Promise<Rejections> {
  const target = "127.0.0.1:9";
  const breakers = new Breakers();
  breakers.isolate(target);
  using caller = contender.connect({ port: 9, concurrency: 1, interceptors: [breaker({ target, breakers })] });
  const took: number[] = [];
  for (let call = 0; call < n; call++) {
    const start = performance.now();
    const refused = await caller.getProduct().then(
      () => false,
      (error: Error) => error.message.includes("circuit is open"),
    );
    took.push(performance.now() - start);
    if (!refused) throw new Error("The circuit is not open");
  }
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.ceil(n * share) - 1] ?? Number.NaN;
  return { n, medianMs: median(took), p99Ms: at(0.99), highestMs: at(1) };
}
