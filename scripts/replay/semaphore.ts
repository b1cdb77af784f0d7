/**
 * Lets `places` pieces of work run at the same time.
 *
 * @returns Waits for a place, first come first served, and gives the function that leaves it.
 */
export function semaphore(places: number): () => Promise<() => void> {
  let free = places;
  const waiting: (() => void)[] = [];
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next(); // the place goes from hand to hand: nobody who comes now can take it
  };
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return leave;
  };
}
