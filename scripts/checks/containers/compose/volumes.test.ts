import { describe, expect, test } from "vitest";
import { compose, withCompose } from "../repo-files.fixture.ts";

const withOptions = (options: unknown) =>
  withCompose({ volumes: { ...compose.volumes, provider: { driver_opts: options } } });
const fault = (what: string) => ({
  rule: "volume-driver",
  where: "compose",
  message: `provider is made of the host's ${what}: only tmpfs and nothing are checked`,
});

describe("volumes", () => {
  test.each([
    [{ type: "none", o: "bind", device: "/" }, "/"],
    [{ type: "none", o: "bind", device: "/var/run" }, "/var/run"],
    [{ type: "tmpfs", o: "bind", device: "/" }, "/"],
    [{ type: "tmpfs", o: "rw,bind", device: "tmpfs" }, "tmpfs"],
    [{ type: "ext4", device: "tmpfs" }, "tmpfs"],
    [{ type: "tmpfs" }, "tmpfs"],
    [{}, "choice"],
  ])("%j is a part of the host", (options, what) => {
    expect(withOptions(options)).toEqual([fault(what)]);
  });

  test("a password among the options", () => {
    expect(withOptions({ type: "cifs", device: "//files/x", o: "username=u,password=hunter2" })).toEqual([
      { rule: "secret-elsewhere", where: "compose", message: "volumes.provider.driver_opts.o holds a secret" },
      fault("//files/x"),
    ]);
  });

  test("is content with memory", () => {
    expect(withOptions({ type: "tmpfs", device: "tmpfs", o: "mode=1777,size=1m" })).toEqual([]);
  });
});
