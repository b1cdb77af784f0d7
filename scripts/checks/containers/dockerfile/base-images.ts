import { pinned } from "../pinned.ts";
import { type Rules, unless } from "../rules.ts";
import type { Stage } from "./read-dockerfile.ts";

/** What an image is made from. */
export const baseImages: Rules<Stage> = {
  "base-image": ({ images }) =>
    images
      .filter((image) => image !== "scratch" && !pinned(image))
      .map((image) => `${image} has no tag with a version, and is no earlier stage`),
};

/** What reads the Dockerfile, and so may do to an image what it likes. */
export const syntax: Rules<string | undefined> = {
  syntax: (image) => unless(image === undefined || pinned(image), `${image} has no tag with a version`),
};
