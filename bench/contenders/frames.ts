import type { Socket } from "node:net";

/** What a frame is: a call and a stream are asked for; a message answers; End ends a stream. */
export const Kind = { Call: 0, Stream: 1, Message: 2, End: 3 } as const;

interface Frame {
  kind: number;
  /** Which call it belongs to. */
  id: number;
  bytes: Buffer;
}

/** Length of the bytes, id, kind. */
const HEADER_BYTES = 9;

/** The frames of one turn of the event loop leave in one write, as HTTP/1.1 and HTTP/2 do it. Returns false when the socket wants to drain first. */
export function sendFrame(socket: Socket, kind: number, id: number, bytes: Uint8Array): boolean {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  frame.writeUInt32BE(bytes.length, 0);
  frame.writeUInt32BE(id, 4);
  frame.writeUInt8(kind, 8);
  frame.set(bytes, HEADER_BYTES);
  if (socket.writableCorked === 0) {
    socket.cork();
    process.nextTick(() => socket.uncork());
  }
  return socket.write(frame);
}

/** Calls back for each whole frame. */
export function onFrames(socket: Socket, onFrame: (frame: Frame) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const received = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (received.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + received.readUInt32BE(at);
      if (end > received.length) break;
      onFrame({
        id: received.readUInt32BE(at + 4),
        kind: received.readUInt8(at + 8),
        bytes: received.subarray(at + HEADER_BYTES, end),
      });
      at = end;
    }
    rest = received.subarray(at);
  });
}
