import { describe, expect, test } from "vitest";
import { parseTime } from "./parse-time.ts";

describe("parseTime()", () => {
  test.each([
    ["2010-12-01 08:26:00", Date.UTC(2010, 11, 1, 8, 26)],
    ["2010-12-01T08:26:07", Date.UTC(2010, 11, 1, 8, 26, 7)],
    ["2010-12-01 8:26", Date.UTC(2010, 11, 1, 8, 26)],
    ["12/1/2010 8:26", Date.UTC(2010, 11, 1, 8, 26)],
    ["12/09/2011 12:50", Date.UTC(2011, 11, 9, 12, 50)],
  ])("reads %s", (text, time) => expect(parseTime(text)).toBe(time));

  test.each(["", "2010-12-01", "2010-13-01 08:26", "2010-02-30 08:26", "2010-12-01 24:00", "2010-12-01 08:60", "soon"])(
    "does not read %j",
    (text) => expect(parseTime(text)).toBeUndefined(),
  );
});
