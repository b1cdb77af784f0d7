// SPDX-License-Identifier: MIT
/**
 * Copy:    request-replay.ts
 * Place:   beside client/ and server/; client/retry.ts imports it.
 * Does:    sends the messages of one request to one attempt after the other, each time from the first one, and keeps them as
 *          long as that may be needed.
 * Doesn't: keep more than its limits, or hurry: a message goes down when the one before it is written.
 * With:    -
 * Source:  gRFC A6 "Memory Management (Buffering)".
 */

/** What comes with a message: whom to tell that it is written, and how it is to be written. */
interface MessageContext {
  callback?: (error?: Error | null) => void;
  flags?: number;
}

/** Where messages go: an attempt, as far as its request is concerned. */
export interface Receiver {
  sendMessageWithContext(context: MessageContext, message: unknown): void;
  halfClose(): void;
}

interface Kept {
  readonly message: unknown;
  readonly flags: number | undefined;
  /** What it takes of the limits. */
  readonly bytes: number;
  /** Undefined once the caller has been told. */
  callback: MessageContext["callback"] | undefined;
}

/** Who gets the messages now. */
interface Current {
  readonly to: Receiver;
  /** The number of the message that it gets next. */
  next: number;
  writing: boolean;
  halfClosed: boolean;
}

export interface ReplayLimits {
  maxBufferBytesPerCall: number;
  maxBufferBytesPerChannel: number;
  /** What all requests of the channel keep. */
  pool: { bytes: number };
}

export class RequestReplay {
  readonly #limits: ReplayLimits;
  readonly #serialize: ((message: unknown) => Buffer) | undefined;
  /** Told of what a receiver throws: there may be nobody up the stack to catch it. */
  readonly #fail: (error: unknown) => void;
  #kept: Kept[] = [];
  /** How many were there before those that are kept. */
  #dropped = 0;
  #bytes = 0;
  #halfClosed = false;
  /** Nothing has to be sent a second time any more. */
  #committed = false;
  #current: Current | undefined;

  /** `serialize`: for how long a message is on the wire; undefined: it does not count, there is only one. */
  constructor(
    limits: ReplayLimits,
    serialize: ((message: unknown) => Buffer) | undefined,
    fail: (error: unknown) => void,
  ) {
    this.#limits = limits;
    this.#serialize = serialize;
    this.#fail = fail;
  }

  /** From now on messages go here, beginning with the first one. Undefined: to nobody, for the time being. */
  sendTo(receiver: Receiver | undefined): void {
    this.#current = receiver && { to: receiver, next: 0, writing: false, halfClosed: false };
    this.#sendOn();
  }

  /** @returns False if it does not fit: it is sent all the same, but there can be no other attempt. */
  push({ callback, flags }: MessageContext, message: unknown): boolean {
    const { maxBufferBytesPerCall, maxBufferBytesPerChannel, pool } = this.#limits;
    const bytes = this.#committed ? 0 : this.#sizeOf(message);
    if (bytes === undefined) return true;
    const fits = this.#bytes + bytes <= maxBufferBytesPerCall && pool.bytes + bytes <= maxBufferBytesPerChannel;
    if (!fits) this.commit();
    this.#kept.push({ message, flags, callback, bytes: fits ? bytes : 0 });
    if (fits) this.#account(bytes);
    this.#sendOn();
    return fits;
  }

  halfClose(): void {
    this.#halfClosed = true;
    this.#sendOn();
  }

  /** The current receiver, or the next one, is the last. */
  commit(): void {
    this.#committed = true;
    this.#drop(this.#current?.next ?? 0);
  }

  /** The call is over: nothing is kept, and a caller that waits to write goes on. */
  end(): void {
    this.#current = undefined;
    for (const each of this.#drop(Infinity)) acknowledge(each);
  }

  #sendOn(): void {
    const current = this.#current;
    if (current === undefined) return;
    try {
      // What is below has room for one message that waits; a second one would take its place.
      while (!current.writing && this.#current === current) {
        const kept = this.#kept[current.next - this.#dropped];
        if (kept === undefined) break;
        this.#send(kept, current);
      }
      const all = current.next === this.#dropped + this.#kept.length;
      if (this.#halfClosed && all && !current.halfClosed && this.#current === current) {
        current.halfClosed = true;
        current.to.halfClose();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(kept: Kept, current: Current): void {
    let returned = false;
    const callback = (): void => {
      current.writing = false;
      acknowledge(kept);
      // Before the return it is the loop that goes on.
      if (returned && this.#current === current) this.#sendOn();
    };
    current.writing = true;
    current.next += 1;
    if (this.#committed) this.#drop(current.next);
    current.to.sendMessageWithContext(
      kept.flags === undefined ? { callback } : { callback, flags: kept.flags },
      kept.message,
    );
    returned = true;
  }

  /** The five bytes of its frame included, so that empty messages count too. Undefined: it is not one of this method. */
  #sizeOf(message: unknown): number | undefined {
    if (this.#serialize === undefined) return 0;
    try {
      return 5 + (Buffer.isBuffer(message) ? message.length : this.#serialize(message).length);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #drop(before: number): Kept[] {
    const gone = this.#kept.splice(0, Math.max(0, before - this.#dropped));
    this.#dropped += gone.length;
    for (const { bytes } of gone) this.#account(-bytes);
    return gone;
  }

  #account(bytes: number): void {
    this.#bytes += bytes;
    this.#limits.pool.bytes += bytes;
  }
}

/** Tells the caller, once, that it may write the next message. */
function acknowledge(kept: Kept): void {
  const { callback } = kept;
  kept.callback = undefined;
  callback?.();
}
