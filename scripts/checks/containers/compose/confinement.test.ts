import { describe, expect, test } from "vitest";
import { withService } from "../repo-files.fixture.ts";

const NEW_PRIVILEGES = "no-new-privileges:true";

describe("confinement", () => {
  test.each([
    [{ init: undefined }, "init", "has no `init: true`"],
    [{ read_only: false }, "read-only", "has no `read_only: true`"],
    [{ cap_drop: undefined }, "cap-drop", "has no `cap_drop: [ALL]`"],
    [{ cap_drop: ["NET_RAW"] }, "cap-drop", "has no `cap_drop: [ALL]`"],
    [{ cap_add: ["NET_ADMIN"] }, "cap-add", "adds NET_ADMIN"],
    [{ security_opt: [] }, "no-new-privileges", "has no `security_opt: [no-new-privileges:true]`"],
    [
      { security_opt: ["no-new-privileges:false"] },
      "no-new-privileges",
      "has no `security_opt: [no-new-privileges:true]`",
    ],
    [
      { security_opt: [NEW_PRIVILEGES, "no-new-privileges:false"] },
      "no-new-privileges",
      "has no `security_opt: [no-new-privileges:true]`",
    ],
    [{ security_opt: [NEW_PRIVILEGES, "seccomp:unconfined"] }, "unconfined", "sets seccomp:unconfined"],
    [{ security_opt: [NEW_PRIVILEGES, "seccomp:mine.json"] }, "unconfined", "sets seccomp:mine.json"],
    [{ privileged: true }, "privileged", "is privileged"],
    [{ network_mode: "host" }, "host-namespace", "sets `network_mode: host`"],
    [{ network_mode: "service:database" }, "host-namespace", "sets `network_mode: service:database`"],
    [{ pid: "host" }, "host-namespace", "sets `pid: host`"],
    [{ ipc: "host" }, "host-namespace", "sets `ipc: host`"],
    [{ userns_mode: "host" }, "host-namespace", "sets `userns_mode: host`"],
    [{ devices: ["/dev/kvm:/dev/kvm"] }, "devices", "has devices of the host"],
    [{ gpus: "all" }, "devices", "has devices of the host"],
    [{ use_api_socket: true }, "docker-socket", "sets `use_api_socket`"],
  ])("%j: %s", (options, rule, message) => {
    expect(withService("edge", options)).toEqual([{ rule, where: "services.edge", message }]);
  });

  test.each([
    "/var/run/docker.sock",
    "/run",
    "/var/run/.",
    "//var/run",
    "/var/./run",
    "/var/lib/docker",
    "/",
    "~",
    "~/.ssh",
    "..",
    "./data/../../other",
    ".",
    "./",
    "$HOME/x",
    "./data/${WHERE}",
    "./docker.sock",
  ])("the host's %s is not mounted, in neither form", (source) => {
    const message = `mounts ${source}, which is not within the project`;
    for (const volume of [`${source}:/x:ro`, { type: "bind", source, target: "/x", read_only: true }]) {
      expect(withService("edge", { volumes: [volume] })).toEqual([
        { rule: "host-paths", where: "services.edge", message },
      ]);
    }
  });

  test("is content with a part of the project, and with a namespace of its own", () => {
    expect(withService("edge", { volumes: ["./data/./online-retail:/x:ro", "./..data:/y:ro"] })).toEqual([]);
    expect(withService("edge", { ipc: "private", cgroup: "private", security_opt: ["no-new-privileges"] })).toEqual([]);
  });

  test.each([
    "edge",
    "payment",
    "product",
    "order",
    "payment-provider",
    "database",
    "provision",
    "catalogue",
    "replay",
    "audit",
  ])("is asked of %s", (service) => {
    expect(withService(service, { cap_drop: [] })).toEqual([
      { rule: "cap-drop", where: `services.${service}`, message: "has no `cap_drop: [ALL]`" },
    ]);
  });
});
