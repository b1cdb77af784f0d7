// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/error-reason.ts
 * Place:   beside policy/outlier.ts.
 * Does:    reads the reason of google.rpc.ErrorInfo from a call's trailers, by hand.
 * Doesn't: read anything else of google.rpc.Status, or throw: a peer may send any bytes.
 * With:    -
 * Source:  AIP-193; google/rpc/status.proto, google/rpc/error_details.proto.
 */
import type { Metadata } from "@grpc/grpc-js";

/** Undefined when there is none. */
export function errorReason(metadata: Metadata | undefined): string | undefined {
  const [status] = metadata?.get("grpc-status-details-bin") ?? [];
  if (!Buffer.isBuffer(status)) return undefined;
  for (const any of fields(status, 3)) {
    const [type] = fields(any, 1);
    const [value] = fields(any, 2);
    if (type === undefined || value === undefined || !type.toString().endsWith("/google.rpc.ErrorInfo")) continue;
    return fields(value, 1)[0]?.toString();
  }
  return undefined;
}

/** The length-delimited values of one field of a message, as far as the bytes make sense. */
function fields(bytes: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag % 8;
    if (type === 0) {
      varint();
      continue;
    }
    const length = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? varint() : Number.NaN;
    if (Number.isNaN(tag) || Number.isNaN(length) || at + length > bytes.length) break;
    if (type === 2 && Math.floor(tag / 8) === wanted) found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}
