/** Prints figures so that they stand out in a log and can be copied to docs/numbers.md. */
export function report(what: string, figures: Readonly<Record<string, number | string>>): void {
  const line = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  console.log(`FIGURES ${what}: ${line.join(" · ")}`);
}
