import type { Stage, Step } from "./read-dockerfile.ts";

/** One command of a RUN. */
export interface Command {
  readonly line: string;
  readonly step: Step;
}

/** The commands of a stage's own RUNs, with the variables of ENV and ARG filled in. */
export function commandsOf({ steps, lineage }: Stage): readonly Command[] {
  const variables = Object.assign({}, ...lineage.map((step) => step.variables)) as Step["variables"];
  return steps
    .filter(({ keyword }) => keyword === "RUN")
    .flatMap((step) => {
      const text = filledIn(step.exec?.join(" ") ?? step.text, variables);
      return text.split(/&&|\|\||[;|\n]/).map((line) => ({ line: line.trim(), step }));
    });
}

function filledIn(text: string, variables: Step["variables"]): string {
  return text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (all, plain?: string, braced?: string) => {
    // An ARG without a default stays as it is: nobody knows it here.
    return variables[plain ?? braced ?? ""] || all;
  });
}
