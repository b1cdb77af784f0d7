import { Presets, SingleBar } from "cli-progress";

/** Without a terminal one line is printed this often. Unit: milliseconds. */
const LINE_EVERY_MS = 5_000;

export interface Progress extends Disposable {
  placed(): void;
  settled(): void;
}

/** Shows how many of `total` orders are placed and settled: a bar on a terminal, plain lines elsewhere. */
export function showProgress(title: string, total: number, out: NodeJS.WriteStream = process.stdout): Progress {
  let placed = 0;
  let settled = 0;
  const line = () => `${title}: ${placed} of ${total} orders placed, ${settled} settled`;

  if (!out.isTTY) {
    const timer = setInterval(() => out.write(`${line()}\n`), LINE_EVERY_MS);
    return {
      placed: () => void placed++,
      settled: () => void settled++,
      [Symbol.dispose]() {
        clearInterval(timer);
        out.write(`${line()}\n`);
      },
    };
  }

  const format = `${title} {bar} {value}/{total} settled · {placed} placed · {duration_formatted}`;
  const bar = new SingleBar({ format, stream: out, hideCursor: true }, Presets.shades_classic);
  bar.start(total, 0, { placed });
  return {
    placed: () => bar.update(settled, { placed: ++placed }),
    settled: () => bar.update(++settled, { placed }),
    [Symbol.dispose]: () => bar.stop(),
  };
}
