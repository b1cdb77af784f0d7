import { status } from "@grpc/grpc-js";
import {
  type HealthServiceImplementation,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "@holdfast/contracts/grpc/health/v1/health";
import { RpcError } from "../errors/rpc-error.ts";

/** Which services of this server answer, for `grpc.health.v1`. The empty name is the server as a whole. */
export class HealthRegistry {
  readonly #names: ReadonlySet<string>;
  #serving = false;
  #draining = false;
  readonly #changes = new Set<() => void>();

  constructor(serviceNames: Iterable<string>) {
    this.#names = new Set(["", ...serviceNames]);
  }

  /** Tells everybody who watches, at once. Never looks at a dependency: ready is not alive. */
  set(serving: boolean): void {
    this.#serving = serving && !this.#draining;
    for (const wake of this.#changes) wake();
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** NOT_SERVING for good: everybody who watches hears of it, and then their stream ends. */
  drain(): void {
    this.#draining = true;
    this.set(false);
  }

  /** Undefined for a name that is none of this server's. */
  get(name: string): ServingStatus | undefined {
    if (!this.#names.has(name)) return undefined;
    return this.#serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  all(): [name: string, state: ServingStatus][] {
    return [...this.#names].map((name) => [name, this.get(name) ?? ServingStatus.SERVICE_UNKNOWN]);
  }

  /** Resolves at the next change. @throws {DOMException} When the signal is aborted. */
  changed(signal: AbortSignal): Promise<void> {
    const change = new Promise<void>((resolve, reject) => {
      const done = (settle: () => void) => {
        this.#changes.delete(wake);
        signal.removeEventListener("abort", stop);
        settle();
      };
      const wake = () => done(resolve);
      const stop = () => done(() => reject(signal.reason));
      this.#changes.add(wake);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
    // A watcher may go away before it waits for this; a rejection that nobody saw would end the process.
    change.catch(() => undefined);
    return change;
  }
}

function serviceUnknown(service: string): RpcError {
  const message = `Cannot check "${service}": this server has no such service`;
  const resource = { type: "grpc.health.v1.Health", name: service };
  return new RpcError(status.NOT_FOUND, "SERVICE_UNKNOWN", message, { service }, { resource });
}

function drainingError(): RpcError {
  return new RpcError(status.UNAVAILABLE, "DRAINING", "This instance is shutting down", {}, { retryAfterMs: 0 });
}

/** `grpc.health.v1.Health` over a registry. */
export function healthHandlers(health: HealthRegistry): HealthServiceImplementation {
  return {
    async check({ service }) {
      const state = health.get(service);
      if (state === undefined) throw serviceUnknown(service);
      return { status: state };
    },
    async *watch({ service }, { signal }) {
      let last: ServingStatus | undefined;
      while (true) {
        const changed = health.changed(signal);
        const state = health.get(service) ?? ServingStatus.SERVICE_UNKNOWN;
        if (state !== last) yield { status: state };
        last = state;
        if (health.draining) throw drainingError();
        await changed;
      }
    },
    async list() {
      return { statuses: Object.fromEntries(health.all().map(([name, state]) => [name, { status: state }])) };
    },
  };
}
