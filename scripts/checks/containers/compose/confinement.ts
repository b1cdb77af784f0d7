import { type Rules, unless } from "../rules.ts";
import { mountsOf } from "./mount.ts";
import type { Service } from "./read-compose.ts";

/** With one of these folders comes the engine's socket. */
const SOCKET = /\.sock$|^\/(var\/?|run\/?|var\/run\/?)?$/;

/** What keeps a process that was taken over inside its container. */
export const confinement: Rules<Service> = {
  init: ({ init }) => unless(init === true, "has no `init: true`"),
  "read-only": ({ read_only: readOnly }) => unless(readOnly === true, "has no `read_only: true`"),
  "cap-drop": ({ cap_drop: dropped = [] }) => unless(dropped.includes("ALL"), "has no `cap_drop: [ALL]`"),
  "cap-add": ({ cap_add: added = [] }) => added.map((capability) => `adds ${capability}`),
  "no-new-privileges": ({ security_opt: options = [] }) =>
    unless(
      options.some((option) => /^no-new-privileges([:=]true)?$/.test(option)),
      "has no `security_opt: [no-new-privileges:true]`",
    ),
  unconfined: ({ security_opt: options = [] }) =>
    options.filter((option) => /[:=](unconfined|disable)$/.test(option)).map((option) => `sets ${option}`),
  privileged: ({ privileged }) => unless(privileged !== true, "is privileged"),
  "host-namespace": ({ network_mode, pid, ipc, uts, userns_mode, cgroup }) =>
    Object.entries({ network_mode, pid, ipc, uts, userns_mode, cgroup })
      .filter(([, value]) => value === "host")
      .map(([name]) => `sets \`${name}: host\``),
  devices: ({ devices = [], gpus }) => unless(devices.length === 0 && gpus === undefined, "has devices of the host"),
  "docker-socket": (service) => {
    const sockets = mountsOf(service).filter(({ kind, source }) => kind === "bind" && SOCKET.test(source));
    const messages = sockets.map(({ source }) => `mounts ${source}`);
    return service.use_api_socket === true ? [...messages, "sets `use_api_socket`"] : messages;
  },
};
