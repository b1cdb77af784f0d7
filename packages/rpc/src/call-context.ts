import { AsyncLocalStorage } from "node:async_hooks";

/** What a call carries from hop to hop. */
export interface RpcContext {
  /** When the call's time is over, in milliseconds since the epoch. Always finite. */
  readonly deadline: number;
  /** Aborted when the deadline passes or the caller goes away, and not by a normal end. */
  readonly signal: AbortSignal;
  /** Names the chain of calls in logs; `x-correlation-id` on the wire. */
  readonly correlationId: string;
}

const storage = new AsyncLocalStorage<RpcContext>();

/**
 * The context of the call that is being handled. Handlers get it as an argument; it is kept here as well so that a
 * client call made on behalf of a handler inherits deadline and cancellation even where nobody passed them on.
 */
export const rpcContext = {
  get: (): RpcContext | undefined => storage.getStore(),
  run: <T>(context: RpcContext, work: () => T): T => storage.run(context, work),
  /** Runs work that must outlive the call that started it. */
  detached: <T>(work: () => T): T => storage.exit(work),
};
