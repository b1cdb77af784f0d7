import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { findInstances } from "./find-instances.ts";

/** The folder of a system that has said this of itself. */
async function aFolder(stackFile: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "find-instances-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "stack.json"), JSON.stringify(stackFile));
  return folder;
}

/** A name server that knows no name. Source: RFC 1035, 4.1.1: a response has bit 7 of byte 2, NXDOMAIN is 3. */
async function anEmptyDns(): Promise<string> {
  const socket = createSocket("udp4", (query, { port, address }) => {
    const response = Buffer.from(query);
    response.writeUInt8(response.readUInt8(2) | 0x80, 2);
    response.writeUInt8(3, 3);
    socket.send(response, port, address);
  });
  onTestFinished(() => void socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return `127.0.0.1:${socket.address().port}`;
}

describe("findInstances()", () => {
  test("says so where none serves", async () => {
    const folder = await aFolder({ clusterDns: await anEmptyDns() });
    await expect(findInstances(folder)).rejects.toMatchObject({
      name: "StackError",
      message: `No instance of the system in "${folder}" serves just now`,
    });
  });

  test("says so where the system has ended", async () => {
    const folder = await aFolder({ clusterDns: "127.0.0.1:1", stopping: true });
    await expect(findInstances(folder)).rejects.toMatchObject({
      name: "StackError",
      message: expect.stringContaining("does not run"),
    });
  });
});
