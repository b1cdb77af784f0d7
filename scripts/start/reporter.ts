import type { StackEvent } from "@holdfast/stack";

/** When nothing has happened for so long people want to know what is being waited for. Unit: milliseconds. */
const SILENCE_MS = 5_000;

export interface Reporter {
  readonly line: (text: string) => void;
  readonly onEvent: (event: StackEvent) => void;
  /** The start is over. */
  readonly ready: () => void;
  /** The stop begins. */
  readonly stopping: () => void;
  readonly end: () => void;
}

/** Tells people what happens: while it starts and stops with the time since that began, else with the time of day. */
export function reporter(out: { write(text: string): unknown }, now = () => performance.now()): Reporter {
  let phase: "starting" | "running" | "stopping" = "starting";
  let since = now();
  let lastAt = now();
  const waitingFor = new Set<string>();

  const line = (text: string) => {
    lastAt = now();
    const elapsed = `${((lastAt - since) / 1_000).toFixed(1)} s`;
    const time = phase === "running" ? new Date().toTimeString().slice(0, 8) : elapsed.padStart(8);
    out.write(`${time}  ${text}\n`);
  };
  const timer = setInterval(() => {
    if (phase !== "starting" || now() - lastAt < SILENCE_MS) return;
    line(waitingFor.size === 0 ? "still working" : `waiting for ${[...waitingFor].join(", ")}`);
  }, 500);
  timer.unref();

  return {
    line,
    onEvent(event) {
      if (event.kind === "started") waitingFor.add(event.process);
      if (event.kind === "ready") waitingFor.delete(event.process);
      const text = describe(event);
      if (text !== undefined) line(text);
    },
    ready() {
      line("Holdfast is ready");
      phase = "running";
    },
    stopping() {
      phase = "stopping";
      since = now();
      line("stopping; Ctrl-C once more ends everything at once");
    },
    end: () => clearInterval(timer),
  };
}

function describe(event: StackEvent): string | undefined {
  switch (event.kind) {
    case "progress":
      return event.process === "stack" ? event.message : `${event.process}: ${event.message}`;
    case "started":
      return undefined;
    case "ready":
      return `${event.process} ${event.again ? "started again" : "is ready"} (${seconds(event.elapsedMs)})`;
    case "ended":
      return `${event.process} ended by ${event.how}, started again in ${event.againInMs} ms`;
    case "stopped":
      return `${event.process} stopped (${event.how === "code 0" ? "" : `${event.how}, `}${seconds(event.elapsedMs)})`;
    default:
      return event satisfies never;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
