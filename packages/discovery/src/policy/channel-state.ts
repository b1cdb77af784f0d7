// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/channel-state.ts
 * Place:   between policy/holdfast-policy.ts and its channel.
 * Does:    tells the channel in what state it is: ready while one endpoint is connected, failed once all have failed to
 *          connect, and then why: with the newest errors.
 * Doesn't: hand over a new picker for each change: it would only make the channel pick again.
 * With:    -
 * Source:  grpc-js' experimental load-balancer API.
 */
import { connectivityState, experimental, Metadata, status } from "@grpc/grpc-js";

export const QUEUE: experimental.PickResult = {
  pickResultType: experimental.PickResultType.QUEUE,
  subchannel: null,
  status: null,
  onCallStarted: null,
  onCallEnded: null,
};

/** How an endpoint's connection does. */
export interface Connected {
  readonly ready: boolean;
  /** Has failed to connect since it last was. */
  readonly failed: boolean;
  readonly address: string;
  readonly error: string | undefined;
}

export class ChannelState {
  readonly #helper: experimental.ChannelControlHelper;
  readonly #picker: experimental.Picker;
  #told: connectivityState | undefined;
  #details = "";

  /** `picker`: for as long as somebody is connected. */
  constructor(helper: experimental.ChannelControlHelper, picker: experimental.Picker) {
    this.#helper = helper;
    this.#picker = picker;
  }

  update(endpoints: readonly Connected[]): void {
    if (endpoints.some(({ ready }) => ready)) this.#tell(connectivityState.READY, this.#picker);
    else if (endpoints.some(({ failed }) => !failed)) this.#tell(connectivityState.CONNECTING, { pick: () => QUEUE });
    else {
      const errors = endpoints.map(({ address, error }) => `${address}: ${error ?? "unknown"}`);
      this.fail(status.UNAVAILABLE, `Cannot connect to any endpoint: ${errors.slice(0, 5).join("; ")}`);
    }
  }

  /** Every call fails with that, until something better is known. */
  fail(code: status, details: string): void {
    if (this.#told === connectivityState.TRANSIENT_FAILURE && details === this.#details) return;
    this.#details = details;
    this.#told = connectivityState.TRANSIENT_FAILURE;
    const picker = new experimental.UnavailablePicker({ code, details, metadata: new Metadata() });
    this.#helper.updateState(this.#told, picker, details);
  }

  #tell(state: connectivityState, picker: experimental.Picker): void {
    if (state === this.#told) return;
    this.#told = state;
    this.#helper.updateState(state, picker, null);
  }
}
