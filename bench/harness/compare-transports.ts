import { CONTENDERS } from "../contenders/all.ts";
import { Bench } from "./bench.ts";
import { canPin } from "./child.ts";
import { comparisonTables } from "./comparison.ts";
import { figure, markdownTable } from "./markdown.ts";
import type { BenchOptions } from "./options.ts";
import type { Shape } from "./pair.ts";
import { publish, reportHead, showProgress } from "./report.ts";
import { measureInRounds, type Plan } from "./rounds.ts";

interface Comparison {
  /** Of the command and of the place in docs/numbers.md. */
  name: string;
  shape: Shape;
  plan: Plan;
  /** What is counted, and how many of it a call has. */
  unit: { plural: string; perCall: number };
  /** What a call is, in a sentence. */
  about: string;
}

/** Those that the others are measured by. */
const REFERENCES = CONTENDERS.filter(({ contender }) => contender === "nice-grpc" || contender === "fastify-undici");

/** Our client and server beside the others: prints tables of what calls cost, and of what they put on the wire. */
export async function compareTransports(comparison: Comparison, options: BenchOptions): Promise<void> {
  const { name, shape, plan, unit, about } = comparison;
  const contenders = CONTENDERS.filter(
    (each) => options.only.length === 0 || options.only.some((wanted) => each.name.includes(wanted)),
  );
  const pinned = canPin();
  const head = reportHead(name, pinned);
  await using bench = new Bench({ pinned, profile: options.profile });
  const wire: string[][] = [];
  for (const entry of contenders) {
    showProgress(`bytes on the wire: ${entry.name}`);
    await bench.check(entry, shape, 1);
    const { up, down } = await bench.wireBytes(entry, shape);
    wire.push([entry.name, figure(up / unit.perCall), figure(down / unit.perCall), entry.connections]);
  }
  const measurements = await measureInRounds(bench, contenders, shape, plan, showProgress);

  const one = unit.plural.replace(/s$/, "");
  const wireHead = ["", `bytes/${one}: sent`, "received", "connections with n calls"];
  const method =
    `${about} Medians of n = ${plan.rounds} rounds of ${plan.sliceMs / 1_000} s; contenders take turns in every round, and a ` +
    "ratio is the median of each round's. A call is made when another is answered: latency is that at the highest rate, " +
    "not at a given one. Same message, same static answer; what differs by nature:";
  const notes = contenders.map((entry) => `- ${entry.name}: ${entry.note}.`).join("\n");
  const report = [
    head,
    method,
    notes,
    comparisonTables(measurements, REFERENCES, unit),
    "On the wire, without the headers of TCP and IP, with the connection made:",
    markdownTable(wireHead, wire),
  ].join("\n\n");
  await publish(name, report, options);
}
