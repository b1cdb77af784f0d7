import { spawn } from "node:child_process";

/** What a command-line client said of a call. */
export interface Said {
  exitCode: number;
  /** Every JSON document it printed. */
  messages: Record<string, unknown>[];
  stderr: string;
}

/** A client that knows nothing of our contracts but what reflection tells it. */
export interface CommandLineClient {
  name: string;
  listServices(target: string): Promise<string[]>;
  /** Calls `package.Service/Method`; several messages for a stream. */
  call(target: string, method: string, ...messages: object[]): Promise<Said>;
}

export const bufCurl: CommandLineClient = {
  name: "buf curl",
  async listServices(target) {
    const { stdout } = await run("buf", ["curl", ...BUF_FLAGS, "--list-services", `http://${target}`]);
    return stdout.trim().split("\n");
  },
  call: async (target, method, ...messages) =>
    said(await run("buf", ["curl", ...BUF_FLAGS, "--data", "@-", `http://${target}/${method}`], jsonLines(messages))),
};
const BUF_FLAGS = ["--protocol", "grpc", "--http2-prior-knowledge"];

export const grpcurl: CommandLineClient = {
  name: "grpcurl",
  async listServices(target) {
    const { stdout } = await run("grpcurl", ["-plaintext", target, "list"]);
    return stdout.trim().split("\n");
  },
  call: async (target, method, ...messages) =>
    said(await run("grpcurl", ["-plaintext", "-format-error", "-d", "@", target, method], jsonLines(messages))),
};

interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

function run(command: string, args: string[], input = ""): Promise<Ended> {
  const child = spawn(command, args, { stdio: "pipe" });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode: exitCode ?? -1, stdout, stderr }));
  });
}

function jsonLines(messages: object[]): string {
  return messages.map((message) => JSON.stringify(message)).join("\n");
}

function said({ exitCode, stdout, stderr }: Ended): Said {
  // Documents follow one another, each over many lines: one ends where a line is "}" alone.
  const documents = stdout.replaceAll(/^\}$/gm, "}\u0000").split("\u0000");
  const json = documents.map((text) => text.trim()).filter((text) => text.startsWith("{"));
  // buf curl leaves the details of an error in base64.
  const details = [...stderr.matchAll(/"value": "([^"]+)"/g)].map(([, value = ""]) =>
    Buffer.from(value, "base64").toString(),
  );
  return {
    exitCode,
    messages: json.flatMap((text) => text.split(/\n(?=\{)/).map((each) => JSON.parse(each))),
    stderr: [stderr, ...details].join("\n"),
  };
}
