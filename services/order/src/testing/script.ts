import { RpcError, Status } from "@holdfast/rpc";

/** One call that a fake neighbour receives. */
export interface ReceivedCall {
  /** Such as "reserveStock". */
  readonly method: string;
  /** Empty for a call about no order. */
  readonly orderId: string;
  /** Aborted when the caller has gone away, or its time is over. */
  readonly signal: AbortSignal;
  /** 1 for the first call of this method for this order. */
  readonly attempt: number;
}

/** How a fake neighbour misbehaves. What a step throws is the answer. */
export interface Script {
  /** Before the call has any effect. */
  before?: (call: ReceivedCall) => unknown;
  /** After its effect, before it is answered. */
  after?: (call: ReceivedCall) => unknown;
}

/** Runs what a fake does upon a call, with its script around it. */
export function scripted(fake: { script: Script; readonly calls: string[] }) {
  const attempts = new Map<string, number>();
  return async <T>(method: string, orderId: string, signal: AbortSignal, effect: () => T): Promise<T> => {
    const key = `${method} ${orderId}`;
    const attempt = (attempts.get(key) ?? 0) + 1;
    attempts.set(key, attempt);
    fake.calls.push(method);
    const call = { method, orderId, signal, attempt };
    await fake.script.before?.(call);
    const result = effect();
    await fake.script.after?.(call);
    return result;
  };
}

/** The answer that says nothing. */
export function unavailable(): never {
  throw new RpcError(Status.UNAVAILABLE, "OVERLOADED", "Come again");
}

/** Never answers; ends with the caller. */
export function silent({ signal }: ReceivedCall): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
