// SPDX-License-Identifier: MIT
import { Metadata } from "@grpc/grpc-js";

const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);

/** Trailers with google.rpc.Status that holds one google.rpc.ErrorInfo; of at most 60 characters, so that lengths are one byte. */
export function errorInfo(reason: string): Metadata {
  const any = Buffer.concat([
    field(1, Buffer.from("type.googleapis.com/google.rpc.ErrorInfo")),
    field(2, field(1, Buffer.from(reason))),
  ]);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", field(3, any));
  return metadata;
}
