export { processIdentity } from "@holdfast/storage/embedded";
