import { describe, expect, test } from "vitest";
import { readDockerfile } from "../dockerfile/read-dockerfile.ts";
import { databaseOf } from "./database.ts";
import { Service } from "./schema.ts";

const stages = readDockerfile("FROM postgres:17 AS a\nFROM a AS store\nFROM node:24 AS service\n");
const nameOf = (options: unknown) => databaseOf(Service.parse(options), stages)?.name;

describe("databaseOf()", () => {
  test.each([
    [{ image: "registry.example/postgis:17" }, "postgres"],
    [{ image: "valkey/valkey:8" }, "redis"],
    [{ build: { target: "store" } }, "postgres"],
    [{ image: "registry.example/db:17", volumes: ["x:/var/lib/postgresql/data"] }, "postgres"],
    [{ image: "y", volumes: [{ type: "volume", source: "x", target: "/var/lib/mysql" }] }, "mysql"],
  ])("%j runs %s", (options, name) => {
    expect(nameOf(options)).toBe(name);
  });

  test.each([
    { build: { target: "service" } },
    { image: "registry.example/service:17", volumes: ["x:/data", "y:/var/lib/holdfast", "./x:/var/lib/mysql"] },
    { image: "registry.example/backup:17", volumes: ["x:/var/lib/postgresql/data:ro"] },
  ])("%j runs none", (options) => {
    expect(nameOf(options)).toBeUndefined();
  });
});
