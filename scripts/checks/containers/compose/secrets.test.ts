import { describe, expect, test } from "vitest";
import { withService } from "../repo-files.fixture.ts";

describe("secrets", () => {
  test.each([
    [{ environment: { DB_PASSWORD: "x" } }, "secret-environment", "DB_PASSWORD"],
    [{ environment: { db_password: "" } }, "secret-environment", "db_password"],
    [{ environment: ["API_TOKEN"] }, "secret-environment", "API_TOKEN"],
    [{ environment: ["CLIENT_SECRET=x"] }, "secret-environment", "CLIENT_SECRET"],
    [{ environment: { AWS_ACCESS_KEY_ID: "${ID}" } }, "secret-environment", "AWS_ACCESS_KEY_ID"],
    [{ environment: { CREDENTIALS: "x" } }, "secret-environment", "CREDENTIALS"],
    [{ environment: { DATABASE_URL: "postgresql://order:x@database/order" } }, "secret-environment", "DATABASE_URL"],
    [{ environment: ["CACHE=redis://:x@cache"] }, "secret-environment", "CACHE"],
    [{ environment: { DSN: "postgresql://database/order?password=x" } }, "secret-environment", "DSN"],
    [{ environment: { TLS: "-----BEGIN PRIVATE KEY-----" } }, "secret-environment", "TLS"],
    [{ build: { args: { SERVICE: "order", NPM_TOKEN: "x" } } }, "secret-build-args", "NPM_TOKEN"],
    [{ build: { args: ["NPM_TOKEN=x"] } }, "secret-build-args", "NPM_TOKEN"],
    [{ command: ["node", "main.ts", "--api-key", "x"] }, "secret-command", "--api-key"],
    [{ command: "node main.ts --password=x" }, "secret-command", "--password"],
    [{ command: ["node", "postgresql://order:x@database/order"] }, "secret-command", "a URL"],
    [{ entrypoint: ["bash", "-c", "POSTGRES_PASSWORD=x exec y"] }, "secret-command", "POSTGRES_PASSWORD"],
    [{ entrypoint: ["bash", "-c", "POSTGRES_PASSWORD=${PW} exec y"] }, "secret-command", "POSTGRES_PASSWORD"],
  ])("%j: %s", (options, rule, name) => {
    expect(withService("edge", options)).toEqual([{ rule, where: "services.edge", message: `${name} holds a secret` }]);
  });

  test("takes a file of variables for one", () => {
    expect(withService("edge", { env_file: ".env" })).toEqual([
      { rule: "secret-env-file", where: "services.edge", message: "what `env_file` sets is not checked" },
    ]);
  });

  test.each([
    { environment: { DB_PASSWORD_FILE: "/run/secrets/password" } },
    { environment: { DATABASE_URL: "postgresql://order@database/order" } },
    { command: ["node", "main.ts", "--token-file", "/run/secrets/token", "--key", "/run/tls.key"] },
    { entrypoint: ["bash", "-c", 'POSTGRES_PASSWORD=$$(head -c 32 /dev/urandom) exec "$$@"'] },
  ])("is content with %j", (options) => {
    expect(withService("edge", options)).toEqual([]);
  });
});
