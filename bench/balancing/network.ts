import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { runCommands, runCommandsNow } from "./commands.ts";

/** Where one instance runs. */
export interface Place {
  address: string;
  /** What starts a process there; see ChildOptions. */
  prefix: readonly string[];
  /** Takes every packet away, in both directions and without a word. Undefined: that cannot be done here. */
  cut?: (() => Promise<void>) | undefined;
  mend?: (() => Promise<void>) | undefined;
}

/** As many hosts as instances, and one port that is free on each of them. */
export interface Network extends AsyncDisposable {
  places: readonly Place[];
  port: number;
  /** Why no host can be cut off; undefined if each can. */
  whole: string | undefined;
}

/**
 * Each instance in a network namespace of its own where this process may make them, as a pod has it; otherwise each on a
 * loopback address of its own, where a cut cannot be had.
 */
export async function openNetwork(hosts: number): Promise<Network> {
  const missing = missingForNamespaces();
  return missing === undefined ? namespaces(hosts) : loopback(hosts, missing);
}

function missingForNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux'";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const program of ["ip", "iptables"]) {
    if (!(process.env["PATH"] ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`))) {
      return `there is no ${program}`;
    }
  }
  return undefined;
}

const PORT_IN_NAMESPACE = 50_051;

async function namespaces(hosts: number): Promise<Network> {
  const made: string[] = [];
  const removeAtExit = () => runCommandsNow(...made.map((name) => `ip netns del ${name}`));
  process.once("exit", removeAtExit);
  const network = {
    places: [] as Place[],
    port: PORT_IN_NAMESPACE,
    whole: undefined,
    [Symbol.asyncDispose]: async () => {
      process.off("exit", removeAtExit);
      for (const name of made.splice(0)) await runCommands(`ip netns del ${name}`);
    },
  };
  for (let host = 0; host < hosts; host++) {
    const name = `hfb${process.pid}-${host}`;
    // 198.18.0.0/15 is for measurements (RFC 2544): four addresses for each pair of ends, by process and host.
    const net = `198.${18 + (process.pid % 2)}.${(process.pid >> 1) % 256}`;
    const address = `${net}.${4 * host + 2}`;
    const inside = `ip netns exec ${name}`;
    made.push(name); // before it is: this process may end in between
    await runCommands(
      `ip netns add ${name}`,
      `ip link add ${name} type veth peer name eth0 netns ${name}`,
      `ip addr add ${net}.${4 * host + 1}/30 dev ${name}`,
      `ip link set ${name} up`,
      `${inside} ip addr add ${address}/30 dev eth0`,
      `${inside} ip link set eth0 up`,
      `${inside} ip link set lo up`,
    );
    // Inside, where the rules are nobody else's and go away with the namespace.
    const rules = (flag: string) => ["INPUT", "OUTPUT"].map((chain) => `${inside} iptables ${flag} ${chain} -j DROP`);
    network.places.push({
      address,
      prefix: inside.split(" "),
      cut: () => runCommands(...rules("-I")),
      mend: () => runCommands(...rules("-D")),
    });
  }
  return network;
}

async function loopback(hosts: number, whole: string): Promise<Network> {
  const places = Array.from({ length: hosts }, (_, host) => ({ address: `127.0.1.${host + 1}`, prefix: [] }));
  return { places, port: await freePort(), whole, [Symbol.asyncDispose]: async () => undefined };
}

/** On all addresses. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "0.0.0.0", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return address.port;
}
