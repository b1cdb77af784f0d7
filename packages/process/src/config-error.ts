/** The environment does not make a configuration. `problems` has one line for each thing to mend. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  /** EX_CONFIG of sysexits.h, so that a supervisor can tell "mend the configuration" from "start me again". */
  readonly exitCode = 78;

  constructor(problems: readonly string[]) {
    super(`Cannot start: the configuration is wrong\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}
