/** What the caller prints, a line of JSON each time. */
export type Report = Record<
  string,
  {
    /** That have ended. */
    calls: number;
    errors: string[];
    endpoints: { address: string; state: string; calls: number }[];
  }
>;
