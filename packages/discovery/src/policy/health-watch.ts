// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/health-watch.ts
 * Place:   one per connection that is up, owned by policy/endpoint.ts.
 * Does:    follows grpc.health.v1.Health/Watch; a server without it is healthy for good, a stream that ends is opened again.
 * Doesn't: forget: what was said last holds until something else is said. It fails open: without an answer within a
 *          second, or with an error for the first one, the server counts as serving.
 * With:    clock.ts, policy/health-call.ts
 * Source:  gRFC A17.
 */
import { type experimental, status } from "@grpc/grpc-js";
import type { Clock, Timer } from "../clock.ts";
import { askHealth, type HealthCall, SERVING } from "./health-call.ts";

export interface HealthWatchOptions {
  service: string;
  authority: string;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  /** Each time that the server says it, the same again included. */
  onHealth: (serving: boolean) => void;
}

/** A healed server must be back within five seconds. Unit: milliseconds. */
const MAX_BACKOFF_MS = 4_000;
const FIRST_BACKOFF_MS = 250;
/** Unit: milliseconds. */
const PATIENCE_MS = 1_000;

export class HealthWatch {
  readonly #connection: experimental.SubchannelInterface;
  readonly #options: HealthWatchOptions;
  #call: HealthCall | undefined;
  #timer: Timer | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #known = false;
  #closed = false;

  constructor(connection: experimental.SubchannelInterface, options: HealthWatchOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#timer = options.clock.setTimeout(() => this.#assumeServing(), PATIENCE_MS);
    // grpc-js says READY just before a call can be made.
    queueMicrotask(() => this.#open());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#call?.cancel();
  }

  #open(): void {
    if (this.#closed) return;
    const { service, authority } = this.#options;
    this.#call = askHealth(
      this.#connection,
      { method: "Watch", service, authority },
      {
        onStatus: (serving) => {
          this.#backoffMs = FIRST_BACKOFF_MS;
          this.#say(serving === SERVING);
        },
        onEnd: (code) => this.#ended(code),
      },
    );
    if (this.#call === undefined) this.#ended(status.UNAVAILABLE);
  }

  #ended(code: status): void {
    if (this.#closed) return;
    this.#call = undefined;
    this.#assumeServing();
    if (code === status.UNIMPLEMENTED) {
      this.#say(true);
      return;
    }
    this.#timer = this.#options.clock.setTimeout(
      () => this.#open(),
      this.#backoffMs * (0.8 + 0.4 * this.#options.random()),
    );
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, 2 * this.#backoffMs);
  }

  #assumeServing(): void {
    if (!this.#known) this.#say(true);
  }

  #say(serving: boolean): void {
    if (this.#closed) return;
    if (!this.#known) this.#timer?.cancel();
    this.#known = true;
    this.#options.onHealth(serving);
  }
}
