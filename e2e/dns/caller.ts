import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { type ClientPart, connect, type DiscoveryOptions, discovery, type RemoteError } from "@holdfast/rpc";

type ResolverSettings = NonNullable<DiscoveryOptions["resolver"]>;
type Looked = Parameters<NonNullable<ResolverSettings["observe"]>>[0];

export interface CallerOptions extends Omit<ResolverSettings, "observe"> {
  target: string;
  /** @default without retries: an error of one attempt is an error */
  chain?: readonly ClientPart[];
}

/** A client as every service of the repo has it. */
export class Caller implements Disposable {
  /** What each look at the names came to. */
  readonly looks: Looked[] = [];
  readonly #discovery: ReturnType<typeof discovery>;
  readonly #client;

  constructor({ target, chain, ...resolver }: CallerOptions) {
    const observe = (look: Looked): void => void this.looks.push(look);
    this.#discovery = discovery({ resolver: { namespace: "payments", intervalMs: 5_000, ...resolver, observe } });
    this.#client = connect(PaymentServiceDefinition, target, {
      discovery: this.#discovery,
      ...(chain && { chain }),
    });
  }

  /** @returns What went wrong, or undefined. */
  async call(): Promise<RemoteError | undefined> {
    return await this.#client.getTransactionStatus({ transactionId: "txn_1" }).then(
      () => undefined,
      (error: RemoteError) => error,
    );
  }

  /** As `ip:port`, by state. */
  endpoints(): { address: string; state: string; calls: number }[] {
    return this.#discovery.targets().flatMap(({ endpoints }) => endpoints);
  }

  /** Addresses of the last list that it was given. */
  listed(): string[] {
    const known = this.looks.findLast((look) => look.kind === "resolved" || look.kind === "kept");
    return (known?.endpoints ?? []).map(({ addresses }) =>
      addresses.map(({ host, port }) => `${host}:${port}`).join(" "),
    );
  }

  /** Calls at an even pace, whether or not earlier ones have ended, until it is stopped. */
  underLoad(perSecond = 100): { stop(): Promise<{ calls: number; errors: string[] }> } {
    const calls: Promise<RemoteError | undefined>[] = [];
    const timer = setInterval(() => void calls.push(this.call()), 1_000 / perSecond);
    return {
      stop: async () => {
        clearInterval(timer);
        const errors = (await Promise.all(calls)).filter((error) => error !== undefined);
        return { calls: calls.length, errors: errors.map(({ message }) => message) };
      },
    };
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}
