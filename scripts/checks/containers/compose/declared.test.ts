import { describe, expect, test } from "vitest";
import { compose, withCompose, withService } from "../repo-files.fixture.ts";

const { socket: _, ...withoutSocket } = compose.volumes;
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
    [{ networks: { databases: { internal: true }, spare: {} } }, "networks", "spare is not used"],
    [{ name: "postgresql://order:hunter2@database" }, "secret-elsewhere", "name holds a secret"],
    [{ "x-more": { labels: { password: "x" } } }, "secret-elsewhere", "x-more.labels.password holds a secret"],
    [{ "x-more": ["--token", "x"] }, "secret-elsewhere", "x-more holds a secret"],
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

  test.each([
    [{ networks: { databases: { internal: false } } }, "databases"],
    [{ networks: { databases: {} } }, "databases"],
    [{ networks: { databases: null } }, "databases"],
  ])("a network that others reach: %j", (parts, network) => {
    const message = `database is on ${network}, which is not \`internal\``;
    expect(withCompose(parts)).toEqual([{ rule: "database-network", where: "compose", message }]);
  });

  test.each([{ networks: ["default", "databases"] }, { networks: undefined }])("a database with %j", (options) => {
    const message = "database is on default, which is not `internal`";
    expect(withService("database", options)).toEqual([{ rule: "database-network", where: "compose", message }]);
  });
});
