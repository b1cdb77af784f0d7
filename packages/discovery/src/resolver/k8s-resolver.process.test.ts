// SPDX-License-Identifier: MIT
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("lets a process end that has a channel open and is still looking", async () => {
  const script = `
    import { Client, credentials } from "@grpc/grpc-js";
    import { k8sChannelOptions, registerK8sResolver } from ${JSON.stringify(new URL("k8s-resolver.ts", import.meta.url).href)};
    registerK8sResolver();
    const options = k8sChannelOptions({ servers: ["127.0.0.1:1"], timeoutMs: 100 });
    const client = new Client("k8s:///pay.payments:grpc", credentials.createInsecure(), options);
    const asIs = (bytes) => bytes;
    client.makeUnaryRequest("/a/b", asIs, asIs, Buffer.alloc(0), (error) => console.log(error.code));`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    cwd: new URL(".", import.meta.url),
    timeout: 10_000,
  });
  expect((await run).stdout.trim()).toBe("14");
});
