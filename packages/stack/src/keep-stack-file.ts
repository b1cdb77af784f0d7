import { processIdentity } from "@holdfast/storage/embedded";
import type { StackEvent } from "./stack-event.ts";
import type { StackFile } from "./stack-file.ts";
import { writePrivately } from "./write-privately.ts";

export interface KeptStackFile {
  /** To be told everything that happens. */
  onEvent(event: StackEvent): void;
  /** The stack is about to end. */
  stop(): void;
  /** Resolves when the file says what is. */
  written(): Promise<void>;
}

/** Keeps `stack.json` up to date: also while the stack starts, so that what a killed one leaves behind can be found. */
export function keepStackFile(
  path: string,
  content: Omit<StackFile, "pids" | "identities" | "stopping">,
  onFailure: (message: string) => void,
): KeptStackFile {
  const running = new Map<string, { pid: number; identity: Promise<string | undefined> }>();
  let stopping: true | undefined;
  const write = async () => {
    const pids = Object.fromEntries([...running].map(([name, { pid }]) => [name, pid]));
    const identities = await Promise.all([...running.values()].map(({ identity }) => identity));
    await writePrivately(path, {
      ...content,
      pids,
      identities: identities.filter((each) => each !== undefined),
      stopping,
    });
  };
  let last = write();
  const writeOnceMore = () => {
    last = last.then(write).catch((error: Error) => onFailure(`cannot write ${path}: ${error.message}`));
  };

  return {
    onEvent(event) {
      if (event.kind === "started") {
        running.set(event.process, { pid: event.pid, identity: processIdentity(event.pid) });
      } else if (event.kind === "ended" || event.kind === "stopped") {
        running.delete(event.process);
      } else {
        return;
      }
      writeOnceMore();
    },
    stop() {
      stopping = true;
      writeOnceMore();
    },
    written: () => last,
  };
}
