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
    [{ environment: { DATABASE_URL: "host=database password=hunter2" } }, "secret-environment", "DATABASE_URL"],
    [{ environment: { PASSWORD_FILE: "hunter2" } }, "secret-environment", "PASSWORD_FILE"],
    [{ environment: { DB_PASS: "x" } }, "secret-environment", "DB_PASS"],
    [{ environment: { DB_PWD: "x" } }, "secret-environment", "DB_PWD"],
    [{ environment: { PGPASS: "x" } }, "secret-environment", "PGPASS"],
    [{ environment: { REDIS_AUTH: "x" } }, "secret-environment", "REDIS_AUTH"],
    [{ environment: { NPM_AUTH: "x" } }, "secret-environment", "NPM_AUTH"],
    [{ environment: { ADMIN_CREDS: "x" } }, "secret-environment", "ADMIN_CREDS"],
    [{ environment: { JWT: "x" } }, "secret-environment", "JWT"],
    [{ environment: { dbAuth: "x" } }, "secret-environment", "dbAuth"],
    [{ build: { args: { SERVICE: "order", NPM_AUTH: "x" } } }, "secret-build-args", "NPM_AUTH"],
    [{ build: { args: { SERVICE: "order", NPM_TOKEN: "x" } } }, "secret-build-args", "NPM_TOKEN"],
    [{ build: { args: ["NPM_TOKEN=x"] } }, "secret-build-args", "NPM_TOKEN"],
    [{ command: ["node", "main.ts", "--api-key", "x"] }, "secret-command", "--api-key"],
    [{ command: ["node", "main.ts", "-e", "REDIS_AUTH=x"] }, "secret-command", "REDIS_AUTH"],
    [{ command: ["node", "main.ts", "--pass", "x"] }, "secret-command", "--pass"],
    [{ labels: { password: "x" } }, "secret-elsewhere", "labels.password"],
    [{ labels: ["com.example.token=x"] }, "secret-elsewhere", "labels.com.example.token"],
    [
      { logging: { driver: "splunk", options: { "splunk-token": "x" } } },
      "secret-elsewhere",
      "logging.options.splunk-token",
    ],
    [
      { healthcheck: { test: ["CMD", "pg_isready", "-d", "postgresql://order:x@database/order"] } },
      "secret-elsewhere",
      "healthcheck.test",
    ],
    [{ healthcheck: { test: ["CMD", "x", "--password", "x"] } }, "secret-elsewhere", "healthcheck.test"],
    [{ hostname: "password=hunter2" }, "secret-elsewhere", "hostname"],
    [{ command: "node main.ts --password=x" }, "secret-command", "--password"],
    [{ command: ["node", "postgresql://order:x@database/order"] }, "secret-command", "a URL or key"],
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
    { environment: { DB_PASSWORD_FILE: "./password", TOKEN_DIR: "../x", SECRET_PATH: "~/x", KEY_FILE: "" } },
    { environment: { DATABASE_URL: "postgresql://order@database/order" } },
    { environment: { PWD: "/app", OLDPWD: "/", BYPASS: "1", PASS_THROUGH: "1", AUTH_HOST: "x", COMPASS: "n" } },
    { command: ["node", "-e", "[1].map(key=>key)", "--auth-host=scram-sha-256", "--password_encryption=scram"] },
    { command: ["flock", "-nF", "/run/secrets/lock", "node", "main.ts"], labels: { "com.example.part": "order" } },
    { command: ["node", "main.ts", "--token-file", "/run/secrets/token", "--key", "/run/tls.key"] },
    { entrypoint: ["bash", "-c", 'POSTGRES_PASSWORD=$$(head -c 32 /dev/urandom) exec "$$@"'] },
  ])("is content with %j", (options) => {
    expect(withService("edge", options)).toEqual([]);
  });
});
