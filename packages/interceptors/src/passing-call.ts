// SPDX-License-Identifier: MIT
/**
 * Copy:    passing-call.ts
 * Place:   beside client/ and server/; what a server's interceptors give grpc-js is one of these.
 * Does:    hands everything on as it comes, in both directions: an interceptor overrides what it has to do with, and is one
 *          object for each call; grpc-js' own, made of functions, costs ten.
 * Doesn't: hold anything back: who lets a call wait uses grpc-js' own functions, which keep what comes meanwhile.
 * With:    -
 * Source:  grpc-js, server-interceptors.ts.
 */
import { Metadata, type ServerInterceptingCall, type ServerInterceptingCallInterface } from "@grpc/grpc-js";

/** What comes from the client, and from whoever is nearer to the wire. */
export type WireListener = Parameters<ServerInterceptingCallInterface["start"]>[0];
/** A status as grpc-js takes it. */
export type PartialStatus = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

const nothing = (): void => undefined;
const NOBODY: WireListener = {
  onReceiveMetadata: nothing,
  onReceiveMessage: nothing,
  onReceiveHalfClose: nothing,
  onCancel: nothing,
};

/** The call as an interceptor has to return it: the type of grpc-js names its class, and takes the interface. */
export const asCall = (call: ServerInterceptingCallInterface): ServerInterceptingCall => call as ServerInterceptingCall;

/** A call, and the listener that it has put towards the wire. All of it runs at once, or not at all. */
export class PassingCall implements ServerInterceptingCallInterface, WireListener {
  /** Nearer to the wire. */
  protected readonly call: ServerInterceptingCallInterface;
  /** Nearer to the handler. */
  protected listener: WireListener = NOBODY;
  #headersSent = false;

  constructor(call: ServerInterceptingCallInterface) {
    this.call = call;
  }

  start(listener: WireListener): void {
    this.listener = listener;
    this.call.start(this);
  }

  sendMetadata(metadata: Metadata): void {
    this.#headersSent = true;
    this.call.sendMetadata(metadata);
  }

  /** Who has headers to change gets them before the first message, as with grpc-js' own. */
  sendMessage(message: unknown, sent: () => void): void {
    if (!this.#headersSent) this.sendMetadata(new Metadata());
    this.call.sendMessage(message, sent);
  }

  sendStatus(result: PartialStatus): void {
    this.call.sendStatus(result);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.listener.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    this.listener.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    this.listener.onReceiveHalfClose();
  }

  /** Comes after every end, and may be the last that comes: what follows goes to nobody. */
  onCancel(): void {
    const { listener } = this;
    this.listener = NOBODY;
    listener.onCancel();
  }

  startRead(): void {
    this.call.startRead();
  }

  getPeer(): string {
    return this.call.getPeer();
  }

  getDeadline(): ReturnType<ServerInterceptingCallInterface["getDeadline"]> {
    return this.call.getDeadline();
  }

  getHost(): string {
    return this.call.getHost();
  }

  getAuthContext(): ReturnType<ServerInterceptingCallInterface["getAuthContext"]> {
    return this.call.getAuthContext();
  }

  getConnectionInfo(): ReturnType<ServerInterceptingCallInterface["getConnectionInfo"]> {
    return this.call.getConnectionInfo();
  }

  getMetricsRecorder(): ReturnType<ServerInterceptingCallInterface["getMetricsRecorder"]> {
    return this.call.getMetricsRecorder();
  }

  /** Ends the call with the status. Of what still comes from the client, those further in hear the end alone. */
  protected refuse(result: PartialStatus): void {
    const { listener } = this;
    this.listener = { ...NOBODY, onCancel: () => listener.onCancel() };
    this.call.sendStatus(result);
  }
}
