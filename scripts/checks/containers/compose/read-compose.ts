import { parse } from "yaml";
import { z } from "zod";

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]).transform((value) => String(value ?? ""));
const Words = z.union([z.string().transform((line) => [line]), z.array(Scalar)]);

/** `{ NAME: value }` or `["NAME=value"]`. */
const Variables = z.union([
  z.record(z.string(), Scalar),
  z.array(z.string()).transform((lines) =>
    Object.fromEntries(
      lines.map((line) => {
        const [name = "", ...value] = line.split("=");
        return [name, value.join("=")] as const;
      }),
    ),
  ),
]);

/** A context alone, or with more to say. */
const Build = z.preprocess(
  (build) => (typeof build === "string" ? { context: build } : build),
  z.object({
    context: z.string().default("."),
    dockerfile: z.string().default("Dockerfile"),
    dockerfile_inline: z.string().optional(),
    target: z.string().optional(),
    args: Variables.default({}),
  }),
);

const LongPort = z.object({ target: Scalar, published: Scalar.optional(), host_ip: z.string().optional() });
const LongMount = z.object({
  type: z.string(),
  source: z.string().optional(),
  target: z.string(),
  read_only: z.boolean().optional(),
});
const Limits = z.object({ memory: Scalar.optional(), pids: Scalar.optional() });

/** The options that a rule looks at, in whatever form compose takes them. */
const Service = z.object({
  image: z.string().optional(),
  build: Build.optional(),
  pull_policy: z.string().optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  privileged: z.boolean().optional(),
  user: Scalar.optional(),
  cap_drop: z.array(z.string()).optional(),
  cap_add: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  devices: z.array(z.unknown()).optional(),
  gpus: z.unknown().optional(),
  use_api_socket: z.boolean().optional(),
  network_mode: z.string().optional(),
  pid: z.string().optional(),
  ipc: z.string().optional(),
  uts: z.string().optional(),
  userns_mode: z.string().optional(),
  cgroup: z.string().optional(),
  mem_limit: Scalar.optional(),
  pids_limit: Scalar.optional(),
  deploy: z.object({ resources: z.object({ limits: Limits.optional() }).optional() }).optional(),
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
  healthcheck: z
    .object({ test: z.union([z.string(), z.array(Scalar)]).optional(), disable: z.boolean().optional() })
    .optional(),
  depends_on: z
    .union([z.array(z.string()), z.record(z.string(), z.object({ condition: z.string().optional() }).nullable())])
    .optional(),
  ports: z.array(z.union([z.string(), z.number(), LongPort])).default([]),
  volumes: z.array(z.union([z.string(), LongMount])).default([]),
  volumes_from: z.array(z.string()).optional(),
  networks: z
    .union([z.array(z.string()), z.record(z.string(), z.unknown()).transform(Object.keys)])
    .default(["default"]),
  environment: Variables.default({}),
  env_file: z.unknown().optional(),
  command: Words.default([]),
  entrypoint: Words.default([]),
});

/** One service as compose sees it: anchors and merge keys resolved. */
export type Service = z.output<typeof Service>;

const Named = z.record(z.string(), z.unknown()).default({});
const Compose = z.object({
  include: z.unknown().optional(),
  services: z.record(z.string(), Service),
  networks: Named,
  volumes: Named,
});

export type Compose = z.output<typeof Compose>;

/** @throws If the text is no YAML, or an option has a form that compose doesn't take. */
export function readCompose(text: string): Compose {
  return Compose.parse(parse(text, { merge: true }));
}

/** What ends by itself, be it at each start or when somebody runs it, says so: `restart: "no"`. */
export function staysUp({ restart }: Service): boolean {
  return restart !== "no";
}
