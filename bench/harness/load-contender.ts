import type { Contender } from "../contenders/contender.ts";

/** Loads one contender and nothing of the others: nice-grpc changes grpc-js for its whole process when it is imported. */
export async function loadContender(name: string): Promise<Contender> {
  const { contender } = (await import(`../contenders/${name}.ts`)) as { contender: Contender };
  return contender;
}
