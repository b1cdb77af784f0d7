import type { Interceptor, ServerInterceptor } from "@grpc/grpc-js";
import type { Contender } from "../contenders/contender.ts";

/** Loads one contender and nothing of the others: nice-grpc changes grpc-js for its whole process when it is imported. */
export async function loadContender(name: string): Promise<Contender> {
  const { contender } = (await import(`../contenders/${name}.ts`)) as { contender: Contender };
  return contender;
}

/** The interceptors of bench/interceptors by that name, which a process without any does not even load. */
export async function clientInterceptors(chain: string | undefined): Promise<Interceptor[]> {
  if (chain === undefined) return [];
  const { clientChain } = await import("../interceptors/chains.ts");
  return clientChain(chain);
}

/** The same for a server. */
export async function serverInterceptors(chain: string | undefined): Promise<ServerInterceptor[]> {
  if (chain === undefined) return [];
  const { serverChain } = await import("../interceptors/chains.ts");
  return serverChain(chain);
}
