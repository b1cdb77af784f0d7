import { startCoreDns } from "./coredns.ts";
import { describeDiscovery } from "./describe-discovery.ts";

describeDiscovery("CoreDNS", startCoreDns);
