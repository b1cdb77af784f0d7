const ISO =
  /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})[ T](?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?$/;
/** As the data set was first published: month first, no seconds. */
const AMERICAN =
  /^(?<month>\d{1,2})\/(?<day>\d{1,2})\/(?<year>\d{4}) (?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?$/;

/**
 * The local time of an invoice in milliseconds, counted as if it were UTC: only differences of one file matter.
 *
 * @returns Undefined for what is no time, such as the 31st of February.
 */
export function parseTime(text: string): number | undefined {
  const parts = (ISO.exec(text) ?? AMERICAN.exec(text))?.groups;
  if (parts === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = [
    parts["year"],
    parts["month"],
    parts["day"],
    parts["hour"],
    parts["minute"],
    parts["second"] ?? "0",
  ].map(Number);
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // A field that is too large would move on into the next one.
  const exact = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour;
  return exact && minute < 60 && second < 60 ? time.getTime() : undefined;
}
