import { join, resolve } from "node:path";

/** Where a stack keeps what it must know the next time. */
export interface StackFolder {
  readonly path: string;
  /** The process that runs the stack. */
  readonly lock: string;
  /** What runs where: {@link StackFile}. Mode 0600, it holds passwords. */
  readonly stackFile: string;
  /** The passwords of the services' database roles. Mode 0600. */
  readonly passwords: string;
  readonly postgres: string;
  /** Holds the provider's file of effects. */
  readonly provider: string;
  readonly providerFile: string;
  /** One log file a process. */
  readonly logs: string;
  /** For whoever fills the stack with data: forgotten together with it. */
  readonly seeded: string;
}

export function stackFolder(path: string): StackFolder {
  const at = (...names: string[]) => join(resolve(path), ...names);
  return {
    path: resolve(path),
    lock: at("stack.lock"),
    stackFile: at("stack.json"),
    passwords: at("passwords.json"),
    postgres: at("postgres"),
    provider: at("provider"),
    providerFile: at("provider", "effects.jsonl"),
    logs: at("logs"),
    seeded: at("seeded.json"),
  };
}
