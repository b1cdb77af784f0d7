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
  z.strictObject({
    context: z.string().default("."),
    dockerfile: z.string().default("Dockerfile"),
    dockerfile_inline: z.string().optional(),
    target: z.string().optional(),
    args: Variables.default({}),
  }),
);

const LongPort = z.strictObject({
  target: Scalar,
  published: Scalar.optional(),
  host_ip: z.string().optional(),
  protocol: z.string().optional(),
});

const LongMount = z.strictObject({
  type: z.enum(["bind", "volume", "tmpfs"]),
  source: z.string().optional(),
  target: z.string(),
  read_only: z.boolean().optional(),
});

const HealthCheck = z.strictObject({
  test: z.union([z.string(), z.array(Scalar)]).optional(),
  disable: z.boolean().optional(),
  interval: z.string().optional(),
  timeout: z.string().optional(),
  retries: z.number().optional(),
  start_period: z.string().optional(),
  start_interval: z.string().optional(),
});

const Dependency = z.strictObject({
  condition: z.string().optional(),
  restart: z.boolean().optional(),
  required: z.boolean().optional(),
});

const Attachment = z.strictObject({ aliases: z.array(z.string()).optional() }).nullable();

const Limits = z.strictObject({ memory: Scalar.optional(), pids: Scalar.optional(), cpus: Scalar.optional() });
const Deploy = z.strictObject({
  replicas: Scalar.optional(),
  resources: z.strictObject({ limits: Limits.optional() }).optional(),
});

/** The options that a rule looks at, in whatever form compose takes them, and then those that can do no harm. */
export const Service = z.strictObject({
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
  memswap_limit: Scalar.optional(),
  pids_limit: Scalar.optional(),
  deploy: Deploy.optional(),
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
  healthcheck: HealthCheck.optional(),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), Dependency.nullable())]).optional(),
  ports: z.array(z.union([z.string(), z.number(), LongPort])).default([]),
  volumes: z.array(z.union([z.string(), LongMount])).default([]),
  volumes_from: z.array(z.string()).optional(),
  networks: z
    .union([z.array(z.string()), z.record(z.string(), Attachment).transform(Object.keys)])
    .default(["default"]),
  environment: Variables.default({}),
  env_file: z.unknown().optional(),
  command: Words.default([]),
  entrypoint: Words.default([]),

  cpus: Scalar.optional(),
  expose: z.array(Scalar).optional(),
  hostname: z.string().optional(),
  labels: Variables.optional(),
  logging: z.strictObject({ driver: z.string().optional(), options: Variables.optional() }).optional(),
  profiles: z.array(z.string()).optional(),
  scale: Scalar.optional(),
  shm_size: Scalar.optional(),
  stop_signal: z.string().optional(),
  tmpfs: Words.optional(),
  working_dir: z.string().optional(),
});

const Network = z.strictObject({ internal: z.boolean().default(false) }).nullable();
const Volume = z.strictObject({ driver_opts: z.record(z.string(), Scalar).optional() }).nullable();

/** The whole file. What it has else, such as `secrets` or `extends`, has to get a rule first. */
export const File = z.strictObject({
  name: z.string().optional(),
  include: z.unknown().optional(),
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), Network).default({}),
  volumes: z.record(z.string(), Volume).default({}),
});
