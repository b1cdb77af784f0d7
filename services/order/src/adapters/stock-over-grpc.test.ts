import { RemoteError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { aScope } from "../testing/builders.ts";
import { stockOverGrpc } from "./stock-over-grpc.ts";

/** The stock of a service that refuses every call with this, or grants it. */
function stockThatAnswers(refusal?: [code: Status, reason: string]) {
  const call = async () => {
    if (refusal !== undefined) throw new RemoteError(refusal[0], "text that nobody reads", { reason: refusal[1] });
    return { reservation: undefined };
  };
  return stockOverGrpc({ reserveStock: call, commitStock: call, releaseStock: call });
}

const unknown = (why: string) => ({ kind: "unknown", why });

describe("stockOverGrpc()", () => {
  test("takes OK for what was asked", async () => {
    const stock = stockThatAnswers();
    expect(await stock.reserve("ord_1", [], aScope())).toEqual({ kind: "reserved" });
    expect(await stock.commit("ord_1", aScope())).toEqual({ kind: "committed" });
    expect(await stock.release("ord_1", aScope())).toEqual({ kind: "released" });
  });

  const refused = { kind: "refused" };
  test.each<[code: Status, reason: string, reserve: object, commit: object, release: object]>([
    [Status.FAILED_PRECONDITION, "OUT_OF_STOCK", refused, unknown("OUT_OF_STOCK"), unknown("OUT_OF_STOCK")],
    [Status.NOT_FOUND, "PRODUCT_NOT_FOUND", refused, unknown("PRODUCT_NOT_FOUND"), unknown("PRODUCT_NOT_FOUND")],
    [Status.FAILED_PRECONDITION, "RESERVATION_RELEASED", refused, refused, unknown("RESERVATION_RELEASED")],
    [
      Status.NOT_FOUND,
      "RESERVATION_NOT_FOUND",
      unknown("RESERVATION_NOT_FOUND"),
      refused,
      unknown("RESERVATION_NOT_FOUND"),
    ],
    ...(["RESERVATION_COMMITTED", "RESERVATION_MISMATCH", "DEPENDENCY_UNAVAILABLE"] as const).map(
      (reason): [Status, string, object, object, object] => [
        Status.FAILED_PRECONDITION,
        reason,
        unknown(reason),
        unknown(reason),
        unknown(reason),
      ],
    ),
    [Status.NOT_FOUND, "", unknown("NOT_FOUND"), unknown("NOT_FOUND"), unknown("NOT_FOUND")],
    [
      Status.DEADLINE_EXCEEDED,
      "",
      unknown("DEADLINE_EXCEEDED"),
      unknown("DEADLINE_EXCEEDED"),
      unknown("DEADLINE_EXCEEDED"),
    ],
  ])("takes %i %s for what it says", async (code, reason, reserve, commit, release) => {
    const stock = stockThatAnswers([code, reason]);
    expect(await stock.reserve("ord_1", [], aScope())).toEqual(reserve);
    expect(await stock.commit("ord_1", aScope())).toEqual(commit);
    expect(await stock.release("ord_1", aScope())).toEqual(release);
  });
});
