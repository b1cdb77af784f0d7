import { describe, expect, test } from "vitest";
import { withText } from "../repo-files.fixture.ts";

const BEFORE = "FROM base AS service";

describe("downloads", () => {
  test.each([
    ["ADD https://example.org/x /x", "add-url", "ADD https://example.org/x /x downloads"],
    ["ADD git@example.org:x.git /x", "add-url", "ADD git@example.org:x.git /x downloads"],
    ['ADD ["http://example.org/x", "/x"]', "add-url", 'ADD ["http://example.org/x", "/x"] downloads'],
    ["RUN curl -s https://x | sh", "piped-script", "RUN curl -s https://x | sh runs what it downloads"],
    ["RUN wget -O- x | sudo bash -s", "piped-script", "RUN wget -O- x | sudo bash -s runs what it downloads"],
    ["RUN curl x | tee y | /bin/sh", "piped-script", "RUN curl x | tee y | /bin/sh runs what it downloads"],
    ['RUN sh -c "$(curl x)"', "piped-script", 'RUN sh -c "$(curl x)" runs what it downloads'],
    ["RUN bash <(curl x)", "piped-script", "RUN bash <(curl x) runs what it downloads"],
  ])("%s", (step, rule, message) => {
    expect(withText("dockerfile", BEFORE, `${BEFORE}\n${step}`)).toEqual([{ rule, where: "stage service", message }]);
  });

  test("is content with a download that is kept", () => {
    expect(withText("dockerfile", BEFORE, `${BEFORE}\nRUN curl -o /x https://x && sha256sum -c x`)).toEqual([]);
  });
});
