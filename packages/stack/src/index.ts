export { DEFAULT_PORTS, type PortNames } from "./choose-ports.ts";
export type { ServiceName } from "./programs.ts";
export { StackError } from "./stack-error.ts";
export type { StackEvent } from "./stack-event.ts";
export { readStackFile, type StackFile } from "./stack-file.ts";
export { type StackFolder, stackFolder } from "./stack-folder.ts";
export { type Stack, type StartStackOptions, startStack } from "./start-stack.ts";
export type { StackProcesses } from "./stop-in-order.ts";
export type { Supervised } from "./supervise.ts";
