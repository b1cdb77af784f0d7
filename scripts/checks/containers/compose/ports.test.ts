import { describe, expect, test } from "vitest";
import { withService } from "../repo-files.fixture.ts";

const everywhere = (port: string) => `${port} is published on all addresses, not on 127.0.0.1`;
const elsewhere = (port: string) => `${port} is published on another port than 50051 to 50053`;
const another = (port: string) => `${port} is published for another port of the container`;
const faults = (service: string, messages: readonly string[]) =>
  messages.map((message) => ({ rule: "ports", where: `services.${service}`, message }));

describe("ports", () => {
  test.each([
    ["50051:50051", [everywhere("50051:50051")]],
    ["50051-50053:50051-50053", [everywhere("50051-50053:50051-50053")]],
    ["0.0.0.0:50051:50051", ["0.0.0.0:50051:50051 is published on 0.0.0.0, not on 127.0.0.1"]],
    ["[::]:50051:50051", ["[::]:50051:50051 is published on [::], not on 127.0.0.1"]],
    ["127.0.0.1:50059:50059", [elsewhere("127.0.0.1:50059:50059")]],
    ["127.0.0.1:50052-50054:50052-50054/tcp", [elsewhere("127.0.0.1:50052-50054:50052-50054/tcp")]],
    ["127.0.0.1::50051", [elsewhere("127.0.0.1::50051")]],
    ["50051", [everywhere("50051"), elsewhere("50051")]],
    [50_051, [everywhere("50051"), elsewhere("50051")]],
    ["50051-50053", [everywhere("50051-50053"), elsewhere("50051-50053")]],
    ["${PORT}:50051", [everywhere("${PORT}:50051"), elsewhere("${PORT}:50051")]],
    [{ target: 50_051, published: "50051" }, [everywhere("50051:50051")]],
    [{ target: 50_051, host_ip: "127.0.0.1" }, [elsewhere(":50051")]],
    [{ target: 5, published: "50053-50054", host_ip: "127.0.0.1" }, [elsewhere("50053-50054:5")]],
    ["127.0.0.1:50052:5432", [another("127.0.0.1:50052:5432")]],
    ["127.0.0.1:50051-50052:50051-50053", [another("127.0.0.1:50051-50052:50051-50053")]],
    ["127.0.0.1:50051-50053:50050-50053", [another("127.0.0.1:50051-50053:50050-50053")]],
    ["127.0.0.1:50052:50051", [another("127.0.0.1:50052:50051")]],
    [{ target: 5432, published: 50_052, host_ip: "127.0.0.1" }, [another("50052:5432")]],
  ])("%j is a fault", (port, messages) => {
    expect(withService("edge", { ports: [port] })).toEqual(faults("edge", messages));
  });

  test.each(["127.0.0.1:50051:50051", { target: 50_052, published: 50_052, host_ip: "127.0.0.1" }])(
    "%j is none",
    (port) => {
      expect(withService("edge", { ports: [port] })).toEqual([]);
    },
  );

  test("of a database are faults, whatever they are", () => {
    const ports = ["127.0.0.1:50051:5432"];
    expect(withService("database", { ports })).toEqual(faults("database", ["postgres publishes 127.0.0.1:50051:5432"]));
  });

  test("of a database whose image has another name are faults, too", () => {
    const ports = ["127.0.0.1:50051:50051"];
    const options = { build: undefined, image: "registry.example/db:17", user: "999", ports };
    const messages = ["postgres publishes 127.0.0.1:50051:50051"];
    expect(withService("database", options)).toEqual(faults("database", messages));
  });
});
