import { describe, expect, test } from "vitest";
import { withService } from "../repo-files.fixture.ts";

const DATA = "/var/lib/postgresql/data";
const bind = { type: "bind", source: "./data", target: "/data" };

describe("storage", () => {
  test.each([
    ["catalogue", { volumes: ["/data"] }, "named-volumes", "/data has a volume without a name"],
    ["catalogue", { volumes: [{ type: "volume", target: "/d" }] }, "named-volumes", "/d has a volume without a name"],
    ["catalogue", { volumes_from: ["order"] }, "named-volumes", "takes the volumes of another container"],
    ["catalogue", { volumes: ["./data:/data"] }, "bind-mounts", "can write to the host's ./data"],
    ["catalogue", { volumes: ["./data:/data:rw"] }, "bind-mounts", "can write to the host's ./data"],
    ["catalogue", { volumes: [bind] }, "bind-mounts", "can write to the host's ./data"],
    [
      "database",
      { volumes: ["database:/backup", "socket:/var/run/postgresql"] },
      "database-volume",
      "keeps /var/lib/postgresql in no named volume",
    ],
  ])("%s with %j: %s", (service, options, rule, message) => {
    expect(withService(service, options)).toEqual([{ rule, where: `services.${service}`, message }]);
  });

  // Then there are two who write them: that is another rule.
  test.each(["order-secret:/run/secrets", { type: "volume", source: "order-secret", target: "/run/secrets" }])(
    "secrets that who stays up can write: %j",
    (volume) => {
      expect(withService("order", { volumes: [volume] })).toEqual([
        { rule: "secret-volumes", where: "services.order", message: "can write the secrets in order-secret" },
        {
          rule: "secret-writers",
          where: "compose",
          message: "order-secret has more than one writer: order, provision",
        },
      ]);
    },
  );

  test("is content with the long form, and with tmpfs", () => {
    const volumes = [
      { ...bind, read_only: true },
      { type: "tmpfs", target: "/tmp" },
    ];
    expect(withService("catalogue", { volumes })).toEqual([]);
    const socket = "socket:/var/run/postgresql";
    expect(
      withService("database", { volumes: [{ type: "volume", source: "database", target: DATA }, socket] }),
    ).toEqual([]);
  });
});
