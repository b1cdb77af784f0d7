import { describe, expect, test } from "vitest";
import { repoFiles, withCompose, withService } from "../repo-files.fixture.ts";
import { readCompose } from "./read-compose.ts";

const { socket: _, ...withoutSocket } = readCompose(repoFiles.compose).volumes;
const rw = "payment-secret:/run/secrets/payment";

describe("declared", () => {
  test.each([
    ["catalogue", { volumes: ["other:/data:ro"] }, "volumes", "other is not declared"],
    ["database", { volumes: ["database:/var/lib/postgresql/data", "other:/x"] }, "volumes", "other is not declared"],
    ["catalogue", { networks: ["other"] }, "networks", "other is not declared"],
    ["catalogue", { networks: { other: {} } }, "networks", "other is not declared"],
    ["replay", { volumes: [rw] }, "secret-writers", "payment-secret has more than one writer: provision, replay"],
  ])("%s with %j: %s", (service, options, rule, message) => {
    expect(withService(service, options)).toEqual([{ rule, where: "compose", message }]);
  });

  test.each([
    [{ networks: { databases: {}, spare: {} } }, "networks", "spare is not used"],
    [{ include: ["more.yml"] }, "include", "services come from another file"],
  ])("%j: %s", (parts, rule, message) => {
    expect(withCompose(parts)).toEqual([{ rule, where: "compose", message }]);
  });

  test("a volume that nobody mounts, and one that has no line", () => {
    expect(withCompose({ volumes: { ...withoutSocket, spare: null } })).toEqual([
      { rule: "volumes", where: "compose", message: "socket is not declared" },
      { rule: "volumes", where: "compose", message: "spare is not used" },
    ]);
  });
});
