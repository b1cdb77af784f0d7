// SPDX-License-Identifier: MIT
import type { ClientOptions } from "@grpc/grpc-js";
import { holdfastServiceConfig, type PolicySettings } from "../policy/policy-config.ts";
import { ENVIRONMENT_OPTION, type PolicyEnvironment, type PolicyEvent } from "../policy/policy-environment.ts";
import { type EndpointReport, PolicyReports } from "../policy/report.ts";
import { EndpointList } from "./list-resolver.ts";
import { EchoClient } from "./load.ts";

/** A real client whose calls the policy balances over what `list` says. */
export function policyClient(
  addresses: readonly string[] | undefined,
  settings: Partial<PolicySettings> = {},
  environment: PolicyEnvironment = {},
  options: ClientOptions = {},
) {
  const list = new EndpointList(addresses);
  const reports = new PolicyReports();
  const events: PolicyEvent[] = [];
  const observe = (event: PolicyEvent): void => void events.push(event);
  const echo = new EchoClient(list.target, {
    "grpc.service_config": holdfastServiceConfig(settings),
    [ENVIRONMENT_OPTION]: { target: "test", reports, observe, ...environment },
    ...options,
  });
  const endpoints = (): EndpointReport[] => reports.list()[0]?.endpoints ?? [];
  return {
    list,
    echo,
    events,
    reports,
    endpoints,
    stateOf: (address: string) => endpoints().find((each) => each.address === address)?.state,
    /** A call that makes the channel connect, and then until all endpoints may be picked. */
    async ready(): Promise<void> {
      await echo.call();
      await until(() => endpoints().every(({ state }) => state === "ready" || state === "slow-starting"));
    },
    [Symbol.dispose]: () => echo[Symbol.dispose](),
  };
}

/** @throws {Error} When it does not come true in time. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 8_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Not true within ${withinMs} ms: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
