import { describeDiscovery } from "./describe-discovery.ts";
import { startKnot } from "./knot.ts";

describeDiscovery("Knot DNS", startKnot);
