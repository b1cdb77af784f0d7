/** What the load has to say, every second. Counts are since its start. */
export interface LoadReport {
  calls: number;
  errors: string[];
  /** Calls that each instance was given, by `ip:port`; only those that are known now. */
  byAddress: Record<string, number>;
}
