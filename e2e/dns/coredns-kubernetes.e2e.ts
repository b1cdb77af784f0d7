import { startCoreDnsOfKubernetes } from "./coredns.ts";
import { describeDiscovery } from "./describe-discovery.ts";

describeDiscovery("CoreDNS with its kubernetes plugin", startCoreDnsOfKubernetes);
