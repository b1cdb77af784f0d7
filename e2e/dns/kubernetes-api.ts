import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { ClusterInstance, ClusterService } from "@holdfast/discovery/dns-server/cluster-records";

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; resourceVersion?: string; [more: string]: unknown };
  [more: string]: unknown;
}

interface Watcher {
  path: string;
  send(type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK", object: object): void;
}

/** By the path of their list. */
const KINDS: Record<string, { apiVersion: string; kind: string }> = {
  "/api/v1/namespaces": { apiVersion: "v1", kind: "Namespace" },
  "/api/v1/services": { apiVersion: "v1", kind: "Service" },
  "/apis/discovery.k8s.io/v1/endpointslices": { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
};

/**
 * As much of Kubernetes' API as CoreDNS asks for: lists, and watches that tell of every change.
 * Source: Kubernetes API concepts, "Efficient detection of changes" and "Streaming lists".
 */
export class KubernetesApi implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #watchers = new Set<Watcher>();
  /** By path, then by namespace and name. */
  readonly #resources = new Map(Object.keys(KINDS).map((path) => [path, new Map<string, Resource>()]));
  #version = 1;

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url(): string {
    const bound = this.#server.address();
    return `http://127.0.0.1:${bound !== null && typeof bound === "object" ? bound.port : 0}`;
  }

  /** Makes these the headless services that there are. */
  set(services: readonly ClusterService[]): void {
    const wanted = services.flatMap(resourcesOf);
    for (const [path, { kind }] of Object.entries(KINDS)) {
      const own = wanted.filter((resource) => resource.kind === kind);
      this.#replace(path, new Map(own.map((each) => [`${each.metadata.namespace ?? ""}/${each.metadata.name}`, each])));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #replace(path: string, wanted: ReadonlyMap<string, Resource>): void {
    const known = this.#resources.get(path) ?? new Map<string, Resource>();
    this.#resources.set(path, known);
    for (const [key, resource] of known) {
      if (wanted.has(key)) continue;
      known.delete(key);
      this.#tell(path, "DELETED", this.#stamped(resource));
    }
    for (const [key, resource] of wanted) {
      const type = known.has(key) ? "MODIFIED" : "ADDED";
      const stamped = this.#stamped(resource);
      known.set(key, stamped);
      this.#tell(path, type, stamped);
    }
  }

  #stamped(resource: Resource): Resource {
    this.#version += 1;
    return { ...resource, metadata: { ...resource.metadata, resourceVersion: `${this.#version}` } };
  }

  #tell(path: string, ...event: Parameters<Watcher["send"]>): void {
    for (const watcher of this.#watchers) if (watcher.path === path) watcher.send(...event);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const kind = KINDS[pathname];
    response.setHeader("content-type", "application/json");
    if (kind === undefined) {
      response.writeHead(404).end(JSON.stringify({ apiVersion: "v1", kind: "Status", status: "Failure", code: 404 }));
      return;
    }
    const items = [...(this.#resources.get(pathname)?.values() ?? [])];
    const metadata = { resourceVersion: `${this.#version}` };
    if (searchParams.get("watch") !== "true") {
      const list = { apiVersion: kind.apiVersion, kind: `${kind.kind}List`, metadata, items };
      response.end(JSON.stringify(list));
      return;
    }
    const send: Watcher["send"] = (type, object) => void response.write(`${JSON.stringify({ type, object })}\n`);
    const watcher: Watcher = { path: pathname, send };
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
    response.flushHeaders();
    if (searchParams.get("sendInitialEvents") !== "true") return;
    for (const item of items) send("ADDED", item);
    send("BOOKMARK", { ...kind, metadata: { ...metadata, annotations: { "k8s.io/initial-events-end": "true" } } });
  }
}

function resourcesOf({ service, namespace, portName, instances }: ClusterService): Resource[] {
  const metadata = { name: service, namespace };
  // The port of a headless service is never asked for: SRV has those of the slices.
  const spec = { type: "ClusterIP", clusterIP: "None", ports: [{ name: portName, port: 50_051, protocol: "TCP" }] };
  const slices = instances.flatMap((instance) => [
    ...sliceOf(instance, "IPv4", instance.ipv4),
    ...sliceOf(instance, "IPv6", instance.ipv6),
  ]);
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    { apiVersion: "v1", kind: "Service", metadata, spec },
    ...slices,
  ];

  /** One for each instance and family: instances of a slice have its ports in common. */
  function sliceOf(
    { hostname, port }: ClusterInstance,
    addressType: "IPv4" | "IPv6",
    address: string | undefined,
  ): Resource[] {
    if (address === undefined) return [];
    const name = `${service}-${hostname}-${addressType.toLowerCase()}`;
    const labels = { "kubernetes.io/service-name": service };
    const endpoints = [{ addresses: [address], hostname, conditions: { ready: true } }];
    const ports = [{ name: portName, port, protocol: "TCP" }];
    const slice = { addressType, endpoints, ports };
    return [
      { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name, namespace, labels }, ...slice },
    ];
  }
}
