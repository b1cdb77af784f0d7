import { describe, expect, test } from "vitest";
import { withText } from "../repo-files.fixture.ts";

const lets = (path: string) => ({ rule: "left-out", where: ".dockerignore", message: `lets ${path} into the build` });

describe("dockerIgnore", () => {
  test("has to begin with *", () => {
    expect(withText("dockerignore", "\n*\n", "\n.git\n.env\nnode_modules\n")).toEqual([
      { rule: "allow-list", where: ".dockerignore", message: "begins with .git, not with *" },
    ]);
  });

  test.each([
    ["**/node_modules\n", "", [lets("packages/rpc/node_modules/grpc/index.js")]],
    ["**/node_modules\n", "node_modules\n", [lets("packages/rpc/node_modules/grpc/index.js")]],
    [
      "**/*.test.ts\n",
      "",
      [
        lets("packages/rpc/src/probe.test.ts"),
        lets("services/order/src/domain/order.test.ts"),
        lets("scripts/seed/main.test.ts"),
      ],
    ],
    ["packages/testkit/src", "!services/*/src/domain", [lets("services/order/src/domain/order.test.ts")]],
    ["!scripts\n", "!scripts\n!.git\n", [lets(".git/config")]],
    ["**/.env*\n", "!.env*\n", [lets(".env"), lets("services/order/.env.local")]],
    [
      "**/.npmrc\n**/*.pem\n**/*.key\n",
      "",
      ["services/order/.npmrc", "packages/rpc/src/tls.key", "packages/rpc/src/tls.pem"].map(lets),
    ],
  ])("%j as %j", (before, after, found) => {
    expect(withText("dockerignore", before, after)).toEqual(found);
  });
});
