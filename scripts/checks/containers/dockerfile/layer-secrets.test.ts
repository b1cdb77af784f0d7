import { describe, expect, test } from "vitest";
import { withText } from "../repo-files.fixture.ts";

const BEFORE = "FROM base AS service";
const MOUNT = "RUN --mount=type=secret,id=npm";

describe("layerSecrets", () => {
  test.each([
    ["ENV DB_PASSWORD=x", "secret-variable", "ENV DB_PASSWORD holds a secret"],
    ["ENV A=b API_KEY=x", "secret-variable", "ENV API_KEY holds a secret"],
    ["ENV API_KEY x", "secret-variable", "ENV API_KEY holds a secret"],
    ["ENV DATABASE_URL=postgresql://order:x@database/order", "secret-variable", "ENV DATABASE_URL holds a secret"],
    ["ENV NPM_AUTH=x", "secret-variable", "ENV NPM_AUTH holds a secret"],
    ["ARG ADMIN_CREDS", "secret-variable", "ARG ADMIN_CREDS holds a secret"],
    ["ENV PASSWORD_FILE=hunter2", "secret-variable", "ENV PASSWORD_FILE holds a secret"],
    ["LABEL password=x", "secret-variable", "LABEL password holds a secret"],
    ["ARG NPM_TOKEN", "secret-variable", "ARG NPM_TOKEN holds a secret"],
    ["ARG NPM_TOKEN=x", "secret-variable", "ARG NPM_TOKEN holds a secret"],
    ["RUN npm config set //r/:_authToken=$T", "secret-argument", "_authToken of a RUN holds a secret"],
    ["HEALTHCHECK CMD x http://u:p@localhost", "secret-argument", "a URL or key of a HEALTHCHECK holds a secret"],
    [
      "COPY <<EOF /app/x\n-----BEGIN EC PRIVATE KEY-----\nEOF",
      "secret-argument",
      "a URL or key of a COPY holds a secret",
    ],
    ["COPY <<EOF /app/x\nDB_PASS=x\nEOF", "secret-argument", "DB_PASS of a COPY holds a secret"],
    ["RUN x --password hunter2", "secret-argument", "--password of a RUN holds a secret"],
    [
      `${MOUNT} cp /run/secrets/npm /app`,
      "secret-mount",
      "RUN cp /run/secrets/npm /app may write its secret into the layer",
    ],
    [
      `${MOUNT} cat /run/secrets/npm > .npmrc`,
      "secret-mount",
      "RUN cat /run/secrets/npm > .npmrc may write its secret into the layer",
    ],
    ["COPY secrets secrets", "secret-file", "secrets becomes part of a layer"],
    ["COPY secrets/db/x /x", "secret-file", "secrets/db/x becomes part of a layer"],
    ["COPY --from=source /app/.env /x", "secret-file", "/app/.env becomes part of a layer"],
    ["ADD .ssh/config /x", "secret-file", ".ssh/config becomes part of a layer"],
    ["COPY .env .env", "secret-file", ".env becomes part of a layer"],
    ["COPY tls/server.key tls/ca.crt /tls/", "secret-file", "tls/server.key becomes part of a layer"],
  ])("%s", (step, rule, message) => {
    expect(withText("dockerfile", BEFORE, `${BEFORE}\n${step}`)).toEqual([{ rule, where: "stage service", message }]);
  });

  test.each([
    "ENV DATABASE_URL_FILE=/run/secrets/url",
    "ARG TOKEN_FILE",
    "COPY <<EOF /app/x\nno secrets here\nEOF",
    `${MOUNT} NPM_TOKEN=$(cat /run/secrets/npm) node x >/dev/null 2>&1`,
    "RUN --mount=type=bind,source=.npmrc,target=.npmrc node x",
  ])("is content with %s", (step) => {
    expect(withText("dockerfile", BEFORE, `${BEFORE}\n${step}`)).toEqual([]);
  });
});
