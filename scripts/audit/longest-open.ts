/** How long something may stay open without getting on. Unit: seconds. Source: I3. */
export const LONGEST_OPEN_S = 30;
