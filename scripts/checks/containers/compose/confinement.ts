import { posix } from "node:path";
import { type Rules, unless } from "../rules.ts";
import { mountsOf } from "./mount.ts";
import type { Service } from "./read-compose.ts";

/** What a namespace or a network of its own is called; anything else is the host's, or another container's. */
const OWN = ["private", "none"];

/** What keeps a process that was taken over inside its container. */
export const confinement: Rules<Service> = {
  init: ({ init }) => unless(init === true, "has no `init: true`"),
  "read-only": ({ read_only: readOnly }) => unless(readOnly === true, "has no `read_only: true`"),
  "cap-drop": ({ cap_drop: dropped = [] }) => unless(dropped.includes("ALL"), "has no `cap_drop: [ALL]`"),
  "cap-add": ({ cap_add: added = [] }) => added.map((capability) => `adds ${capability}`),
  "no-new-privileges": ({ security_opt: options = [] }) =>
    unless(
      options.some(isNoNewPrivileges) &&
        options.filter(isNoNewPrivileges).every((option) => /^no-new-privileges([:=]true)?$/.test(option)),
      "has no `security_opt: [no-new-privileges:true]`",
    ),
  // Each of them is another profile than the engine's own.
  unconfined: ({ security_opt: options = [] }) =>
    options.filter((option) => !isNoNewPrivileges(option)).map((option) => `sets ${option}`),
  privileged: ({ privileged }) => unless(privileged !== true, "is privileged"),
  "host-namespace": ({ network_mode, pid, ipc, uts, userns_mode, cgroup }) =>
    Object.entries({ network_mode, pid, ipc, uts, userns_mode, cgroup })
      .filter(([, value]) => value !== undefined && !OWN.includes(value))
      .map(([name, value]) => `sets \`${name}: ${value}\``),
  devices: ({ devices = [], gpus }) => unless(devices.length === 0 && gpus === undefined, "has devices of the host"),
  "docker-socket": ({ use_api_socket: socket }) => unless(socket !== true, "sets `use_api_socket`"),
  // With them would come the engine's socket or data, or somebody's keys.
  "host-paths": (service) =>
    mountsOf(service)
      .filter(({ kind, source }) => kind === "bind" && !isInProject(source))
      .map(({ source }) => `mounts ${source}, which is not within the project`),
};

function isNoNewPrivileges(option: string): boolean {
  return option.startsWith("no-new-privileges");
}

/** A variable might be anything. */
function isInProject(source: string): boolean {
  return !/^(\/|~|\.\.?(\/|$))|[$\\]|\.sock$/.test(posix.normalize(source));
}
