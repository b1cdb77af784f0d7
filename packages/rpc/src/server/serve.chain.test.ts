import { expect, test } from "vitest";
import { leastChain } from "../chain/least-chain.ts";
import type { ServerPart } from "../chain/server-part.ts";
import { aServer } from "../testing/a-server.ts";

test("what the chain opened is closed with the server, and at once where the port is taken", async () => {
  let open = 0;
  const opens = (part: ServerPart): ServerPart => ({
    ...part,
    build(deps) {
      open += 1;
      deps.onClose({ [Symbol.dispose]: () => void (open -= 1) });
      return part.build(deps);
    },
  });
  const chain = leastChain().map(opens);
  await using server = await aServer({}, { chain });
  expect(open).toBe(chain.length);
  await expect(aServer({}, { chain, listen: server.target })).rejects.toThrow("EADDRINUSE");
  expect(open).toBe(chain.length);
  await server.drain({ graceMs: 50 });
  expect(open).toBe(0);
});
