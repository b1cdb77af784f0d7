import { describe, expect, test } from "vitest";
import { withText } from "../repo-files.fixture.ts";

const CMD = 'CMD ["node", "src/main.ts"]';

describe("image", () => {
  test.each([
    [CMD, `USER root\n${CMD}`, "user", "runs as root: needs a number other than 0"],
    [CMD, `USER 0\n${CMD}`, "user", "runs as 0: needs a number other than 0"],
    [CMD, `USER 1000:0\n${CMD}`, "user", "runs as 1000:0: needs a number other than 0"],
    [CMD, `USER node\n${CMD}`, "user", "runs as node: needs a number other than 0"],
    [CMD, `USER postgres\n${CMD}`, "user", "runs as postgres: needs a number other than 0"],
    ["FROM base AS service", "FROM node:24-slim AS service", "user", "has no USER: runs as root"],
    [CMD, "CMD node src/main.ts", "exec-form", "CMD node src/main.ts runs in a shell"],
    [CMD, "CMD ['node', 'main.ts']", "exec-form", "CMD ['node', 'main.ts'] runs in a shell"],
    [CMD, 'CMD ["/bin/sh", "-c", "x"]', "exec-form", 'CMD ["/bin/sh", "-c", "x"] runs in a shell'],
    [CMD, `ENTRYPOINT exec node\n${CMD}`, "exec-form", "ENTRYPOINT exec node runs in a shell"],
    [CMD, `COPY . .\n${CMD}`, "copy-all", "COPY . . takes everything"],
    [CMD, `COPY --chown=1000 ["./", "/app"]\n${CMD}`, "copy-all", 'COPY ["./", "/app"] takes everything'],
    [CMD, `COPY --from=source /app .\n${CMD}`, "copy-all", "COPY /app . takes everything"],
    [CMD, `COPY --from=source /app/. .\n${CMD}`, "copy-all", "COPY /app/. . takes everything"],
    [CMD, `COPY --from=source /app/* .\n${CMD}`, "copy-all", "COPY /app/* . takes everything"],
    [CMD, `COPY --from=source /etc /app .\n${CMD}`, "copy-all", "COPY /etc /app . takes everything"],
    [CMD, `COPY --from=source / .\n${CMD}`, "copy-all", "COPY / . takes everything"],
    [CMD, `ADD * /app\n${CMD}`, "copy-all", "ADD * /app takes everything"],
    [CMD, `ONBUILD USER root\n${CMD}`, "onbuild", "ONBUILD USER root leaves a step behind"],
    [CMD, `VOLUME /data\n${CMD}`, "volume", "VOLUME /data leaves volumes behind"],
  ])("%j as %j: %s", (before, after, rule, message) => {
    expect(withText("dockerfile", before, after)).toEqual([{ rule, where: "stage service", message }]);
  });

  test("both final stages have the user of the stage that they are made from", () => {
    const before = "RUN install -d -o node -g node /var/lib/holdfast\nUSER 1000:1000";
    const found = withText("dockerfile", before, before.replace("1000:1000", "root"));
    expect(found).toEqual([
      { rule: "user", where: "stage service", message: "runs as root: needs a number other than 0" },
    ]);
  });

  test("tools goes back from root", () => {
    const before = "/run/secrets/order\nUSER 1000:1000";
    expect(withText("dockerfile", before, "/run/secrets/order")).toEqual([
      { rule: "user", where: "stage tools", message: "runs as root: needs a number other than 0" },
    ]);
  });

  test("is content with what a RUN mounts, and with a part of a stage that took everything", () => {
    const steps = "RUN --mount=type=bind,target=/src true\nCOPY --from=source /app/packages/rpc /x";
    expect(withText("dockerfile", CMD, `${steps}\n${CMD}`)).toEqual([]);
  });
});
