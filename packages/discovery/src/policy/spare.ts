// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/spare.ts
 * Place:   a connection beside the one in use while that one says nothing, or can be asked nothing; owned by
 *          policy/endpoint.ts.
 * Does:    asks for health over its connection, and tells when that is answered, or has not been for too long.
 * Doesn't: count as life for being connected: a peer whose program hangs goes on accepting connections, behind a proxy HTTP/2
 *          and all. Any answer will do, even that there is no such method.
 * With:    clock.ts, policy/connection.ts, policy/health-call.ts
 * Source:  -
 */
import type { Clock, Timer } from "../clock.ts";
import type { Connection } from "./connection.ts";
import { askHealth, type HealthCall, type HealthQuestion } from "./health-call.ts";

export interface SpareOptions {
  question: HealthQuestion;
  clock: Clock;
  /** How long the answer may take from when the connection is up. */
  timeoutMs: number;
  onAnswer: (connection: Connection) => void;
  /** Nothing will come of this connection. */
  onStuck: () => void;
}

export class Spare {
  readonly #connection: Connection;
  readonly #options: SpareOptions;
  #question: HealthCall | undefined;
  #timer: Timer | undefined;

  constructor(connection: Connection, options: SpareOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  start(): void {
    this.#connection.start();
  }

  /** To be told whenever the state of its connection has changed. */
  stateChanged(): void {
    this.#giveUp();
    if (this.#connection.subchannel === undefined) return;
    const { clock, timeoutMs, onStuck } = this.#options;
    const timer = clock.setTimeout(onStuck, timeoutMs);
    this.#timer = timer;
    // grpc-js says READY just before a call can be made.
    queueMicrotask(() => {
      if (this.#timer === timer) this.#ask();
    });
  }

  close(): void {
    this.#giveUp();
    this.#connection.close();
  }

  #ask(): void {
    const { question, onAnswer } = this.#options;
    const { subchannel } = this.#connection;
    if (subchannel === undefined) return;
    this.#question = askHealth(subchannel, question, {
      onEnd: () => {
        this.#giveUp();
        onAnswer(this.#connection);
      },
    });
  }

  #giveUp(): void {
    this.#question?.cancel();
    this.#timer?.cancel();
    this.#question = this.#timer = undefined;
  }
}
