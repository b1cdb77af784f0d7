import { DockerfileParser, From, type Instruction, ModifiableInstruction, PropertyInstruction } from "dockerfile-ast";

/** One instruction of a stage. */
export interface Step {
  /** In capitals, such as `RUN`. */
  readonly keyword: string;
  /** Without flags; lines that continue joined. */
  readonly text: string;
  /** Such as `--from=base`. */
  readonly flags: readonly string[];
  /** The words of the exec form; undefined in the shell form. */
  readonly exec: readonly string[] | undefined;
  /** What ENV and ARG set; an ARG without a default is "". */
  readonly variables: Readonly<Record<string, string>>;
}

/** From one FROM to the next. */
export interface Stage {
  /** The number of its place where it has no name. */
  readonly name: string;
  /** An image, or the name of an earlier stage. */
  readonly from: string;
  /** The image at the very bottom. */
  readonly base: string;
  readonly steps: readonly Step[];
  /** Its own steps after those of the stages that it is made from. */
  readonly lineage: readonly Step[];
  /** Images, which are no stages, that it is made from or copies from. */
  readonly images: readonly string[];
  /** No later stage is made from it or copies from it: it becomes an image. */
  readonly final: boolean;
}

/** @throws If there is no FROM. */
export function readDockerfile(text: string): readonly Stage[] {
  const parts = partsOf(DockerfileParser.parse(text).getInstructions());
  if (parts.length === 0) throw new Error("Cannot read the Dockerfile: it has no FROM");

  const stages: Omit<Stage, "final">[] = [];
  const used = new Set<string>();
  for (const { from, name, steps } of parts) {
    const sources = [from, ...steps.flatMap(sourcesOf)];
    for (const source of sources) used.add(stageNamed(stages, source)?.name ?? "");
    const images = sources.filter((source) => stageNamed(stages, source) === undefined);
    const { base = from, lineage = [] } = stageNamed(stages, from) ?? {};
    stages.push({ name, from, base, steps, images, lineage: [...lineage, ...steps] });
  }
  return stages.map((stage) => ({ ...stage, final: !used.has(stage.name) }));
}

/** The image that reads the Dockerfile, where `# syntax=` names one. */
export function syntaxOf(text: string): string | undefined {
  const directives = DockerfileParser.parse(text).getDirectives();
  return directives.find((directive) => directive.getName().toLowerCase() === "syntax")?.getValue();
}

/** A stage by its name or number; undefined for an image. */
export function stageNamed<T extends { readonly name: string }>(stages: readonly T[], name: string): T | undefined {
  return stages.find((stage, index) => stage.name.toLowerCase() === name.toLowerCase() || String(index) === name);
}

/** The stages and images that a step copies or mounts from. */
export function sourcesOf({ flags }: Step): readonly string[] {
  return flags.flatMap((flag) => /^--(?:from=|mount=(?:.*,)?from=)([^,]+)/.exec(flag)?.[1] ?? []);
}

interface Part {
  readonly name: string;
  readonly from: string;
  readonly steps: Step[];
}

function partsOf(instructions: readonly Instruction[]): readonly Part[] {
  const parts: Part[] = [];
  for (const instruction of instructions) {
    if (instruction instanceof From) {
      const name = instruction.getBuildStage() ?? String(parts.length);
      parts.push({ name, from: instruction.getImage() ?? "", steps: [] });
    } else {
      // An ARG before the first FROM is of no stage.
      parts.at(-1)?.steps.push(stepOf(instruction));
    }
  }
  return parts;
}

function stepOf(instruction: Instruction): Step {
  const text = instruction.getArgumentsContent() ?? "";
  const properties = instruction instanceof PropertyInstruction ? instruction.getProperties() : [];
  return {
    keyword: instruction.getKeyword(),
    text,
    flags: instruction instanceof ModifiableInstruction ? instruction.getFlags().map(String) : [],
    exec: wordsOf(text),
    variables: Object.fromEntries(properties.map((property) => [property.getName(), property.getValue() ?? ""])),
  };
}

/** What is not JSON, such as `['node']`, goes to a shell. */
function wordsOf(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    return JSON.parse(text) as readonly string[];
  } catch {
    return undefined;
  }
}
