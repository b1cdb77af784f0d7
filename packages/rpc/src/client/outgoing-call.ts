import { AsyncLocalStorage } from "node:async_hooks";
import type { StatusObject } from "@grpc/grpc-js";
import type { Outgoing } from "./intercept-channel.ts";

/** What this package's client says of a call to the channel below nice-grpc, which passes on neither options nor status. */
export class OutgoingCall implements Outgoing {
  readonly options: { deadline?: number };
  readonly waitForReady: boolean;
  /** The final one, once it is there. */
  status: StatusObject | undefined;

  constructor({
    deadline,
    waitForReady = false,
  }: { deadline?: number | undefined; waitForReady?: boolean | undefined }) {
    this.options = deadline === undefined ? {} : { deadline };
    this.waitForReady = waitForReady;
  }

  onStatus(status: StatusObject): void {
    this.status = status;
  }
}

/** The call that is being started. */
export const outgoingCall = new AsyncLocalStorage<OutgoingCall>();
