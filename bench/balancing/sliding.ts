/** How many of the sorted times lie in [from, to). */
export function countBetween(times: readonly number[], from: number, to: number): number {
  return lowerBound(times, to) - lowerBound(times, from);
}

/** The most of the sorted times that any `windowMs` holds. */
export function peakWithin(times: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  times.forEach((time, index) => {
    while ((times[first] ?? time) <= time - windowMs) first++;
    most = Math.max(most, index - first + 1);
  });
  return most;
}

/** The value below which this share of the sorted values lies. NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Index of the first that is not smaller. */
function lowerBound(times: readonly number[], wanted: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
