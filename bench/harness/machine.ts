import { cpus, loadavg, release, totalmem, type } from "node:os";

/** What a figure depends on, in one sentence: without it no figure is worth anything. */
export function describeMachine(pinned: boolean): string {
  const [first] = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  const place = pinned
    ? "every server on core 0, every client on core 1"
    : "not pinned to cores: `taskset` or a second core is missing";
  return (
    `${cpus().length} cores (${first?.model ?? "unknown"}), ${gib} GiB, ${type()} ${release().split(".").slice(0, 2).join(".")}, ` +
    `Node ${process.versions.node}; ${place}; load of the machine at the start ${loadavg()[0]?.toFixed(1)}`
  );
}
