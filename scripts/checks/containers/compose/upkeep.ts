import { basename } from "node:path";
import { type Rules, unless } from "../rules.ts";
import { type Service, staysUp } from "./read-compose.ts";

const SHELLS = ["sh", "bash", "ash", "dash", "zsh", "busybox"];

/** How a container comes up, is seen to be well, and comes up again. */
export const upkeep: Rules<Service> = {
  // Compose's default is to let it lie. Who wants that says so.
  restart: ({ restart = "nothing" }) =>
    unless(
      /^(no|always|unless-stopped|on-failure(:\d+)?)$/.test(restart),
      `restart is ${restart}: needs a policy, or "no" for what ends by itself`,
    ),

  health: (service) => {
    if (!staysUp(service)) return [];
    const { test, disable = false } = service.healthcheck ?? {};
    if (test === undefined || disable || test[0] === "NONE") return ["has no health check"];
    if (typeof test === "string" || test[0] !== "CMD") return ["its health check runs in a shell: needs [CMD, …]"];
    const [, command = "", ...words] = test;
    if (command === "") return ["its health check has no command"];
    const shell = [command, ...words].find((word) => SHELLS.includes(basename(word)));
    return unless(shell === undefined, `its health check runs ${shell}`);
  },

  "depends-on": ({ depends_on: dependencies = {} }) => {
    if (Array.isArray(dependencies)) return ["is a list: needs a condition for each"];
    return Object.entries(dependencies)
      .filter(([, dependency]) => dependency?.condition === undefined)
      .map(([name]) => `${name} has no condition`);
  },
};
