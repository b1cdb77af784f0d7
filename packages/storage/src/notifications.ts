import { setTimeout as sleep } from "node:timers/promises";
import { Client, escapeIdentifier } from "pg";
import { raceSignal } from "./race-signal.ts";
import { EVERY_KEY, type Receiver, type Subscription, subscription } from "./subscription.ts";

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;

export interface ListenOptions {
  /** Called when the connection is lost or cannot be made. It is made again by itself. @default nothing */
  onConnectionLost?: (error: unknown) => void;
  /** Jitter of the retries, in [0, 1). @default Math.random */
  random?: () => number;
}

export interface WaitOptions {
  /** Wakes for this payload or `*` only. @default any payload */
  key?: string;
  signal: AbortSignal;
  /** Resolves after this time in any case: a lost notification costs time, nothing else. Unit: milliseconds. */
  maxWaitMs: number;
}

/** Wakes whoever waits for news in the database. A notification says where to look, never what happened. */
export interface Notifications extends AsyncDisposable {
  /**
   * Collects from now on. Subscribe first, then read, then wait for `next()`: what is committed after the read ends the
   * wait, even if it is announced before the wait began.
   *
   * @param key Payloads other than this and `*` are ignored. @default any payload
   */
  subscribe(channel: string, key?: string): Subscription;
  /** A subscription for a single wait: news from before the call do not end it. @throws The signal's reason. */
  wait(channel: string, options: WaitOptions): Promise<void>;
}

/**
 * Listens to the channels over one connection, from now on and through every outage: reconnects by itself, after 50 ms
 * to 2 s, and then wakes every subscription with `*`, because notifications may have been lost meanwhile.
 */
export function listen(url: string, channels: readonly string[], options: ListenOptions = {}): Notifications {
  const { onConnectionLost, random = Math.random } = options;
  const receivers = new Map(channels.map((channel) => [channel, new Set<Receiver>()]));
  const closing = new AbortController();

  const receive = (channel: string, payload: string) => {
    for (const receiver of receivers.get(channel) ?? []) receiver.receive(payload);
  };

  const keepListening = async () => {
    let failures = 0;
    const onListening = () => {
      failures = 0;
      for (const channel of channels) receive(channel, EVERY_KEY);
    };
    for (;;) {
      try {
        await listenOnce(url, channels, { receive, onListening, signal: closing.signal });
      } catch (error) {
        if (closing.signal.aborted) return;
        onConnectionLost?.(error);
      }
      const longestMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS);
      await raceSignal(sleep(longestMs * (0.5 + random() / 2)), closing.signal).catch(() => undefined); // closing ends it
    }
  };
  const finished = keepListening();

  const subscribe = (channel: string, key?: string) => {
    const interested = receivers.get(channel);
    if (interested === undefined) throw new Error(`Cannot subscribe to "${channel}": it is not listened to`);
    const added = subscription(key, (it) => interested.delete(it));
    interested.add(added);
    return added;
  };

  return {
    subscribe,
    async wait(channel, { key, signal, maxWaitMs }) {
      using once = subscribe(channel, key);
      await once.next(signal, maxWaitMs);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await finished;
    },
  };
}

interface ListenOnce {
  receive: (channel: string, payload: string) => void;
  onListening: () => void;
  signal: AbortSignal;
}

/** Listens until the connection is lost or the signal aborts, and rejects with the reason. */
async function listenOnce(url: string, channels: readonly string[], { receive, onListening, signal }: ListenOnce) {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "listen",
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // may happen while nobody waits yet; connect() rejects then
  client.on("error", lost.reject);
  client.on("end", () => lost.reject(new Error("The connection was closed")));
  client.on("notification", ({ channel, payload = "" }) => receive(channel, payload));
  try {
    await raceSignal(client.connect(), signal);
    await raceSignal(client.query(channels.map((name) => `listen ${escapeIdentifier(name)}`).join("; ")), signal);
    onListening();
    await raceSignal(lost.promise, signal);
  } finally {
    client.end().catch(() => undefined); // not awaited: a server that vanished would never answer
  }
}
