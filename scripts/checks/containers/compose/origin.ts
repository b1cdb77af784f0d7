import type { Stage } from "../dockerfile/read-dockerfile.ts";
import { pinned } from "../pinned.ts";
import { type Rules, unless } from "../rules.ts";
import type { Compose, Service } from "./read-compose.ts";

/** Where an image comes from. `stages` are the final ones of the Dockerfile that is checked. */
export function origin(stages: readonly Stage[], { services }: Compose): Rules<Service> {
  const built = Object.values(services).flatMap(({ build, image }) => (build === undefined ? [] : (image ?? [])));
  const isOurs = ({ build, image = "" }: Service) => build !== undefined || built.includes(image);

  return {
    image: (service) => {
      if (isOurs(service)) return [];
      if (service.image === undefined) return ["has neither an image nor a build"];
      return unless(pinned(service.image), `${service.image} has no tag with a version`);
    },

    // What isn't there yet would come from a registry, where anybody may have taken the name.
    "pull-policy": (service) => {
      const { image = "", build, pull_policy: policy } = service;
      if (build !== undefined || !isOurs(service)) return [];
      return unless(policy === "never", `${image}, which another service builds, needs \`pull_policy: never\``);
    },

    // Any other Dockerfile would be one that nobody checks.
    build: ({ build }) => {
      if (build === undefined) return [];
      const { context, dockerfile, dockerfile_inline: inline, target } = build;
      if (context !== "." || dockerfile !== "Dockerfile" || inline !== undefined) {
        return ["is built by another Dockerfile than ./Dockerfile"];
      }
      return unless(
        target === undefined || stages.some(({ name }) => name === target),
        `${target} is no final stage of the Dockerfile`,
      );
    },

    // The Dockerfile's own USER is a rule there.
    user: (service) => {
      const { user, image } = service;
      if (user === undefined) return unless(isOurs(service), `${image} runs as its own user: needs \`user\``);
      return unless(
        user.split(":").every((part) => /^(?!root$|0+$)\w[\w-]*$/.test(part)),
        `runs as ${user}`,
      );
    },
  };
}
