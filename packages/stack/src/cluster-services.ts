import type { ClusterService } from "@holdfast/discovery/dns-server/cluster-records";
import { CLUSTER_NAMES, SERVICE_NAMES } from "./programs.ts";
import type { ServiceInstances } from "./service-instances.ts";

/** What the cluster's DNS shall answer: the instances that serve just now. */
export function clusterServices(instances: Pick<ServiceInstances, "of">): ClusterService[] {
  return SERVICE_NAMES.map((name) => ({
    ...CLUSTER_NAMES[name],
    portName: "grpc",
    instances: instances
      .of(name)
      .filter(({ serving }) => serving)
      .map(({ name: hostname, port }) => ({ hostname, ipv4: "127.0.0.1", port })),
  }));
}
