import type { Rules } from "../rules.ts";
import type { Stage } from "./read-dockerfile.ts";

const REMOTE = /(^|[\s"])(https?:\/\/|git@|git:\/\/|ssh:\/\/)/;
/** `curl … | sh`, `sh -c "$(curl …)"`, `bash <(curl …)`. */
const PIPED =
  /\b(curl|wget)\b[^;&]*\|\s*(sudo\s+)?(\/\S*\/)?(ba|da|z|a)?sh\b|\b(ba|da|z|a)?sh\b[^;&|]*(\$\(|<\(|`)\s*(curl|wget)\b/;

/** What comes into an image from somewhere that may send another thing tomorrow. */
export const downloads: Rules<Stage> = {
  "add-url": ({ steps }) =>
    steps
      .filter(({ keyword, text }) => keyword === "ADD" && REMOTE.test(text))
      .map(({ text }) => `ADD ${text} downloads`),
  "piped-script": ({ steps }) =>
    steps
      .filter(({ keyword, text }) => keyword === "RUN" && PIPED.test(text))
      .map(({ text }) => `RUN ${text} runs what it downloads`),
};
