import type { Pair } from "../harness/pair.ts";

/** A contender of bench/unary and bench/streaming, and what is different about it. */
export interface ContenderEntry extends Pair {
  /** Connections with n calls at the same time. */
  connections: "1" | "n";
  /** What it does more or less than the others, for whoever reads the table. */
  note: string;
}

/** Who is compared, in the order of a round. */
export const CONTENDERS: readonly ContenderEntry[] = [
  {
    name: "Holdfast",
    contender: "holdfast",
    connections: "1",
    note:
      "`connect` and `serve` as our services use them: deadline on the wire, cancellation, correlation id, validation " +
      "of the request against the contract, error mapping, health and reflection beside it; channelz is off, which the libraries have on. At most 100 calls of a " +
      "connection run at once, the rest waits at the client",
  },
  {
    name: "nice-grpc",
    contender: "nice-grpc",
    connections: "1",
    note: "bare: no deadline, no middleware; codecs of ts-proto",
  },
  {
    name: "grpc-js",
    contender: "grpc-js",
    connections: "1",
    note: "bare: no deadline, no interceptor; codecs of ts-proto",
  },
  {
    name: "connect-node",
    contender: "connect-node",
    connections: "1",
    note: "`@connectrpc/connect-node` with the gRPC protocol; codecs of protobuf-es, which work from descriptors",
  },
  {
    name: "fastify + undici",
    contender: "fastify-undici",
    connections: "n",
    note:
      "HTTP/1.1 and JSON, its serializer compiled from a schema; times and 64-bit numbers stay text. " +
      "A stream is one JSON text a line, which no schema serializes",
  },
  {
    name: "express + axios",
    contender: "express-axios",
    connections: "n",
    note: "HTTP/1.1 and JSON; times and 64-bit numbers stay text; an ETag for each answer, as express comes",
  },
  {
    name: "framed TCP",
    contender: "framed-tcp",
    connections: "1",
    note:
      "the floor: length-prefixed protobuf (ts-proto) over a socket, with no metadata, status, deadline, cancellation " +
      "or flow control per call",
  },
];
