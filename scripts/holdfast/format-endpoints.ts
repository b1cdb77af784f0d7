import type { EndpointJson, TargetJson } from "./list-targets.ts";

export interface Asked {
  readonly name: string;
  readonly target: string;
  readonly targets: readonly TargetJson[];
}

const HEAD = ["address", "state", "for", "in flight", "calls", "share", "ejections", ""];

/** What an instance calls, as text for people. */
export function formatEndpoints({ name, target, targets }: Asked, now = Date.now()): string {
  if (targets.length === 0) return `${name} (${target}) calls no other service`;
  return [`${name} (${target}) calls`, ...targets.map((each) => formatTarget(each, now))].join("\n");
}

function formatTarget(
  { name = "", resolveTime, resolutionNote = "", endpoints = [] }: TargetJson,
  now: number,
): string {
  const resolved = resolveTime === undefined ? "not resolved yet" : `looked up ${since(resolveTime, now)} ago`;
  const note = resolutionNote === "" ? "" : `: ${resolutionNote}`;
  const title = `  ${name}  (${resolved}${note})`;
  if (endpoints.length === 0 && resolveTime === undefined) return title;
  if (endpoints.length === 0) return `${title}\n    no connections: there were no calls for long, or nobody was found`;
  const rows = [HEAD, ...endpoints.map((endpoint) => row(endpoint, now))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return [title, ...lines.map((line) => `    ${line}`.trimEnd())].join("\n");
}

/** ProtoJSON leaves out what is zero or empty. */
function row({ address = "", state = "", stateTime, inFlight = 0, ...rest }: EndpointJson, now: number): string[] {
  const { callCount = "0", share = 0, ejectionCount = 0, error = "" } = rest;
  const word = state.replace("STATE_", "").toLowerCase().replaceAll("_", "-");
  const age = stateTime === undefined ? "" : since(stateTime, now);
  return [
    address,
    word,
    age,
    String(inFlight),
    callCount,
    `${Math.round(share * 100)} %`,
    String(ejectionCount),
    error,
  ];
}

function since(time: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1_000));
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7_200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3_600)} h`;
}
