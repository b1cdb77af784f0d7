import { describe, expect, test } from "vitest";
import { compose, withCompose, withService, withText } from "../repo-files.fixture.ts";

describe("readCompose()", () => {
  test.each([
    [{ extends: { file: "other.yml" } }, "extends"],
    [{ post_start: [{ command: "x", user: "root", privileged: true }] }, "post_start"],
    [{ pre_stop: [{ command: "x", user: "root" }] }, "pre_stop"],
    [{ group_add: ["docker"] }, "group_add"],
    [{ group_add: ["0"] }, "group_add"],
    [{ device_cgroup_rules: ["c *:* rwm"] }, "device_cgroup_rules"],
    [{ build: { privileged: true } }, "build.privileged"],
    [{ build: { additional_contexts: { base: "../x" } } }, "build.additional_contexts"],
    [{ configs: ["c"] }, "configs"],
    [{ runtime: "mine" }, "runtime"],
    [{ deploy: { resources: { reservations: { devices: [] } } } }, "deploy.resources.reservations"],
    [{ deploy: { mode: "global" } }, "deploy.mode"],
    [{ deploy: { resources: { limits: { memory: "1m", devices: [] } } } }, "deploy.resources.limits.devices"],
    [{ logging: { driver: "local", x: 1 } }, "logging.x"],
    [{ healthcheck: { test: ["CMD", "x"], run_as: "root" } }, "healthcheck.run_as"],
    [{ depends_on: { payment: { condition: "service_healthy", x: 1 } } }, "depends_on.payment.x"],
    [{ networks: { default: { driver_opts: {} } } }, "networks.default.driver_opts"],
    [{ ports: [{ target: 50_051, published: 50_051, host_ip: "127.0.0.1", mode: "host" }] }, "ports.0.mode"],
    [
      { volumes: [{ type: "bind", source: "./data", target: "/x", bind: { propagation: "shared" } }] },
      "volumes.0.bind",
    ],
  ])("%j: nobody would check %s", (options, option) => {
    const message = `no rule knows \`${option}\``;
    expect(withService("edge", options)).toEqual([{ rule: "unknown-option", where: "services.edge", message }]);
  });

  test.each([
    [{ configs: { c: { content: "PASSWORD=hunter2" } } }, "compose", "configs"],
    [{ secrets: { s: { environment: "PASSWORD" } } }, "compose", "secrets"],
    [{ networks: { databases: { internal: true, external: true } } }, "networks.databases", "external"],
    [{ volumes: { ...compose.volumes, provider: { driver: "x" } } }, "volumes.provider", "driver"],
  ])("%j: nobody would check that of %s", (parts, where, option) => {
    const message = `no rule knows \`${option}\``;
    expect(withCompose(parts)).toEqual([{ rule: "unknown-option", where, message }]);
  });

  test.each([
    ["cap_drop: [ALL]", "cap_drop: !reset [ALL]", "Unresolved tag: !reset"],
    ["mem_limit: 256m", "mem_limit: !reset 256m", "Unresolved tag: !reset"],
    ["mem_limit: 256m", "mem_limit: !override 256m", "Unresolved tag: !override"],
    ["mem_limit: 256m", "mem_limit: 256m\n  mem_limit: 9g", "Map keys must be unique"],
  ])("%j as %j is no YAML that can be checked", (before, after, message) => {
    expect(withText("compose", before, after)).toEqual([
      { rule: "yaml", where: "compose", message: expect.stringMatching(`^${message} at line \\d+, column \\d+$`) },
    ]);
  });

  test.each([
    [{ privileged: "yes" }, "privileged", "expected boolean, received string"],
    [{ cap_drop: "ALL" }, "cap_drop", "expected array, received string"],
  ])("%j has another form", (options, option, expected) => {
    const message = `\`${option}\` has a form that no rule knows: Invalid input: ${expected}`;
    expect(withService("edge", options)).toEqual([{ rule: "form", where: "services.edge", message }]);
  });
});
