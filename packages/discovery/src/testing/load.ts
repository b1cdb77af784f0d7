// SPDX-License-Identifier: MIT
import { Client, credentials, Metadata } from "@grpc/grpc-js";

export interface Outcome {
  /** When it was sent, from the start of the load. Unit: milliseconds. */
  at: number;
  /** Port of the server that it was sent to. */
  port: number;
  code: number;
  details: string;
}

const asIs = (bytes: Buffer): Buffer => bytes;

export class EchoClient {
  readonly client: Client;

  constructor(target: string, options: ConstructorParameters<typeof Client>[2] = {}) {
    // Not from the pool of the process: a test begins without connections.
    this.client = new Client(target, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1, ...options });
  }

  [Symbol.dispose](): void {
    this.client.close();
  }

  async call(deadlineMs = 1_000, start = performance.now()): Promise<Outcome> {
    const at = performance.now() - start;
    return new Promise((resolve) => {
      const call = this.client.makeUnaryRequest(
        "/test.v1.Test/Echo",
        asIs,
        asIs,
        Buffer.alloc(0),
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error) => {
          const port = Number(call.getPeer().split(":").at(-1));
          resolve({ at, port, code: error?.code ?? 0, details: error?.details ?? "" });
        },
      );
    });
  }

  /** Open loop: a call is due whether or not the earlier ones have ended. */
  async openLoop(perSecond: number, forMs: number, deadlineMs = 1_000): Promise<Outcome[]> {
    const start = performance.now();
    const calls: Promise<Outcome>[] = [];
    while (performance.now() - start < forMs) {
      const due = ((performance.now() - start) * perSecond) / 1_000;
      while (calls.length < due) calls.push(this.call(deadlineMs, start));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return Promise.all(calls);
  }

  /** Closed loop: `inFlight` callers, each of which calls again as soon as it has an answer. */
  async closedLoop(inFlight: number, forMs: number, deadlineMs = 1_000): Promise<Outcome[]> {
    const start = performance.now();
    const outcomes: Outcome[] = [];
    const caller = async (): Promise<void> => {
      while (performance.now() - start < forMs) outcomes.push(await this.call(deadlineMs, start));
    };
    await Promise.all(Array.from({ length: inFlight }, caller));
    return outcomes;
  }
}

/** Part of the outcomes in [fromMs, toMs) that went to the port, 0 to 1. */
export function share(outcomes: readonly Outcome[], port: number, fromMs = 0, toMs = Infinity): number {
  const within = outcomes.filter(({ at }) => at >= fromMs && at < toMs);
  return within.filter((each) => each.port === port).length / within.length;
}

export function failures(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ code }) => code !== 0);
}
