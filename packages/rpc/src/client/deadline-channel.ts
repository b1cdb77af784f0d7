import { AsyncLocalStorage } from "node:async_hooks";
import type { Channel, ChannelInterface } from "@grpc/grpc-js";

/** The deadline, in milliseconds since the epoch, of the call that is being started. Set by the client middleware. */
export const outgoingDeadline = new AsyncLocalStorage<number>();

/**
 * Puts the deadline of {@link outgoingDeadline} on the wire. nice-grpc passes none to grpc-js: its own deadline is a
 * local timer, and the server sees an infinite one.
 *
 * @throws {Error} From createCall, when there is none: no call of ours may be without.
 */
export function deadlineChannel(channel: Channel): Channel {
  const wrapped: ChannelInterface = {
    close: () => channel.close(),
    getTarget: () => channel.getTarget(),
    getConnectivityState: (tryToConnect) => channel.getConnectivityState(tryToConnect),
    watchConnectivityState: (state, deadline, callback) => channel.watchConnectivityState(state, deadline, callback),
    getChannelzRef: () => channel.getChannelzRef(),
    createCall: (method, deadline, host, parentCall, propagateFlags) => {
      const outgoing = outgoingDeadline.getStore();
      if (outgoing === undefined) throw new Error(`Cannot call ${method}: it has no deadline`);
      return channel.createCall(method, Math.min(Number(deadline), outgoing), host, parentCall, propagateFlags);
    },
  };
  // The library takes the interface, and names its own class for it.
  return wrapped as Channel;
}
