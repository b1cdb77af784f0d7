import { figure, markdownTable } from "../harness/markdown.ts";
import type { DnsRow } from "./run-dns.ts";
import type { FaultRow } from "./run-fault.ts";
import type { ScaleRow } from "./run-scale.ts";

/** One fault, and what each client had to show for it; or why it could not be had here. */
export interface FaultResult {
  fault: string;
  rows: readonly FaultRow[];
  skipped?: string;
}

const FAULT_HEAD = [
  "fault",
  "client",
  "calls",
  "failed while it lasts",
  "failed later",
  "codes",
  "went to the bad one",
  "arrived there",
  "p50 ms",
  "p99 ms",
  "share back after s",
  "resolutions in a second",
  "longest stall ms",
];

/** All faults with so many instances. */
export function faultTable(results: readonly FaultResult[]): string {
  const lines = results.flatMap(({ fault, rows, skipped }) => {
    if (skipped !== undefined) return [[fault, `skipped: ${skipped}`, ...FAULT_HEAD.slice(2).map(() => "")]];
    return rows.map(({ client, figures, stallMs }) => [
      fault,
      client,
      figure(figures.calls),
      `${figures.failed} (${percent(figures.failed / figures.calls)})`,
      String(figures.failedAfter),
      figures.codes,
      percent(figures.badShare),
      percent(figures.arrivedShare),
      figure(figures.p50Ms),
      figure(figures.p99Ms),
      seconds(figures.backMs),
      String(figures.resolutionsPerSecond),
      figure(stallMs),
    ]);
  });
  return markdownTable(FAULT_HEAD, lines);
}

export function scaleTable(rows: readonly ScaleRow[]): string {
  return markdownTable(
    ["client", "calls", "failed", "each has its share after s", "share of each in the last 3 s", "longest stall ms"],
    rows.map((row) => [
      row.client,
      figure(row.calls),
      row.codes === "" ? "0" : row.codes,
      seconds(row.evenAfterMs),
      shares(row.lastShares),
      figure(row.stallMs),
    ]),
  );
}

export function dnsTable(rows: readonly DnsRow[]): string {
  return markdownTable(
    ["DNS answers", "instances", "calls", "failed", "queries", "share of each instance", "longest stall ms"],
    rows.map((row) => [
      row.fault,
      String(row.instances),
      figure(row.calls),
      row.codes === "" ? "0" : row.codes,
      String(row.queries),
      shares(row.shares),
      figure(row.stallMs),
    ]),
  );
}

function percent(share: number): string {
  return `${figure(100 * share)} %`;
}

/** Of a time that may never have come. */
function seconds(ms: number): string {
  return Number.isFinite(ms) ? (ms / 1_000).toFixed(1) : "never";
}

function shares(parts: readonly number[]): string {
  return parts.map((part) => part.toFixed(2)).join(" · ");
}
