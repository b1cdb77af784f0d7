import { grpcurl } from "../support/command-line.ts";
import { describeCalls } from "../support/describe-calls.ts";

describeCalls(grpcurl);
