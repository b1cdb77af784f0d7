import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { type Transaction, Transaction_State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";
import { createLogger } from "@holdfast/process";
import { RpcError, serve, Status } from "@holdfast/rpc";
import { type Script, scripted } from "./script.ts";

type State = "PENDING" | "COMPLETED" | "FAILED" | "REFUNDED";

/** A charge as the fake keeps it, by customer and key. */
export interface FakeCharge {
  readonly id: string;
  readonly orderId: string;
  readonly customerId: string;
  readonly key: string;
  readonly currencyCode: string;
  readonly minorUnits: bigint;
  state: State;
}

/** A payment service of a few lines: one charge per customer and key, in memory. */
export interface FakePayment extends AsyncDisposable {
  readonly target: string;
  /** In the order of their captures. */
  readonly charges: FakeCharge[];
  /** Keys of all refunds received. */
  readonly refundKeys: string[];
  /** What a new charge becomes. `pm_card_declined` is declined in any case. */
  outcome: State;
  /** What happens to calls; set it to misbehave. */
  script: Script;
  /** Calls received, such as "charge". */
  readonly calls: string[];
}

/** Serves it on a free port. */
export async function startFakePayment(): Promise<FakePayment> {
  const charges: FakeCharge[] = [];
  const refundKeys: string[] = [];
  const fake: Pick<FakePayment, "outcome" | "script" | "calls"> = { outcome: "COMPLETED", script: {}, calls: [] };
  const run = scripted(fake);
  const find = (customerId: string, key: string) =>
    charges.find((it) => it.customerId === customerId && it.key === key);

  const server = await serve(
    PaymentServiceDefinition,
    {
      charge: (request, { signal }) =>
        run("charge", request.orderId, signal, () => {
          if (request.paymentMethod === "pm_unheard_of") {
            throw new RpcError(Status.INVALID_ARGUMENT, "UNKNOWN_PAYMENT_METHOD", "It is none");
          }
          const known = find(request.customerId, request.idempotencyKey);
          if (known !== undefined && known.orderId !== request.orderId) {
            throw new RpcError(Status.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED", "It was something else");
          }
          const charge = known ?? {
            id: `txn_${charges.length + 1}`,
            orderId: request.orderId,
            customerId: request.customerId,
            key: request.idempotencyKey,
            currencyCode: request.amount?.currencyCode ?? "",
            minorUnits: request.amount?.minorUnits ?? 0n,
            state: request.paymentMethod === "pm_card_declined" ? "FAILED" : fake.outcome,
          };
          if (known === undefined) charges.push(charge);
          if (charge.state === "FAILED") {
            throw new RpcError(Status.FAILED_PRECONDITION, "CARD_DECLINED", "No", { transaction_id: charge.id });
          }
          return { transaction: toProto(charge) };
        }),
      getTransactionStatus: ({ idempotencyKey = "", customerId }, { signal }) =>
        run("getTransactionStatus", idempotencyKey.split(":")[0] ?? "", signal, () => {
          const charge = find(customerId, idempotencyKey);
          if (charge === undefined) throw new RpcError(Status.NOT_FOUND, "TRANSACTION_NOT_FOUND", "There is none");
          return { transaction: toProto(charge) };
        }),
      refund: ({ transactionId, idempotencyKey }, { signal }) => {
        const charge = charges.find(({ id }) => id === transactionId);
        return run("refund", charge?.orderId ?? "", signal, () => {
          if (charge === undefined) throw new RpcError(Status.NOT_FOUND, "TRANSACTION_NOT_FOUND", "There is none");
          refundKeys.push(idempotencyKey);
          charge.state = "REFUNDED";
          return { transaction: toProto(charge) };
        });
      },
    },
    { listen: "127.0.0.1:0", log: createLogger({ service: "fake-payment", level: "silent" }) },
  );
  server.health.set(true);
  return Object.assign(fake, {
    charges,
    refundKeys,
    target: `127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  });
}

function toProto({ id, orderId, customerId, currencyCode, minorUnits, state }: FakeCharge): Partial<Transaction> {
  const amount = { currencyCode, minorUnits };
  return { id, orderId, customerId, amount, state: Transaction_State[`STATE_${state}`] };
}
