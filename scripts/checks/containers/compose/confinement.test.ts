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
    [{ security_opt: [NEW_PRIVILEGES, "seccomp:unconfined"] }, "unconfined", "sets seccomp:unconfined"],
    [{ privileged: true }, "privileged", "is privileged"],
    [{ network_mode: "host" }, "host-namespace", "sets `network_mode: host`"],
    [{ pid: "host" }, "host-namespace", "sets `pid: host`"],
    [{ ipc: "host" }, "host-namespace", "sets `ipc: host`"],
    [{ userns_mode: "host" }, "host-namespace", "sets `userns_mode: host`"],
    [{ devices: ["/dev/kvm:/dev/kvm"] }, "devices", "has devices of the host"],
    [{ gpus: "all" }, "devices", "has devices of the host"],
    [{ volumes: ["/var/run/docker.sock:/s:ro"] }, "docker-socket", "mounts /var/run/docker.sock"],
    [{ volumes: ["/run:/host:ro"] }, "docker-socket", "mounts /run"],
    [
      { volumes: [{ type: "bind", source: "/run/docker.sock", target: "/s", read_only: true }] },
      "docker-socket",
      "mounts /run/docker.sock",
    ],
    [{ use_api_socket: true }, "docker-socket", "sets `use_api_socket`"],
  ])("%j: %s", (options, rule, message) => {
    expect(withService("edge", options)).toEqual([{ rule, where: "services.edge", message }]);
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
