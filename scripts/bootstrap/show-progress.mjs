const EVERY_MS = { terminal: 200, file: 5_000 };

/** One line that changes on a terminal, one line every 5 s elsewhere. Understands pnpm's "Progress:" lines. */
export function showProgress(stream, what) {
  const started = Date.now();
  let packages = "";
  const text = () => `  ${what}: ${packages}${Math.round((Date.now() - started) / 1_000)} s`;
  const show = () => stream.write(stream.isTTY ? `\r\x1b[K${text()}` : `${text()}\n`);
  const timer = setInterval(show, stream.isTTY ? EVERY_MS.terminal : EVERY_MS.file);
  return {
    update(line) {
      const [, resolved, added] = /^Progress: resolved (\d+),.* added (\d+)/.exec(line) ?? [];
      if (resolved !== undefined) packages = `${added} of ${resolved} packages, `;
    },
    end() {
      clearInterval(timer);
      if (stream.isTTY) stream.write("\r\x1b[K");
    },
  };
}
