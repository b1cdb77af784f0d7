import { Metadata, type ServerInterceptor, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { asCall, PassingCall } from "./passing-call.ts";
import { FakeServerCall } from "./testing/server-call.ts";

const passing: ServerInterceptor = (_, call) => asCall(new PassingCall(call));

class Refusing extends PassingCall {
  override onReceiveMessage(): void {
    this.refuse({ code: status.ABORTED, details: "no" });
  }
}

test("a passing call hands everything on, in both directions", () => {
  const shape = { deadline: 17, peer: "10.0.0.1:1", certificate: { subjectaltname: "URI:spiffe://a" } };
  const fake = new FakeServerCall([passing, passing], shape).start().receive("hello").halfClose();
  expect(fake.handler).toMatchObject({ messages: ["hello"], halfClosed: true });
  expect(fake.reads).toBe(2);
  const headers = new Metadata();
  headers.set("x-a", "1");
  fake.call.sendMetadata(headers);
  fake.respond("ok").cancel();
  expect(fake.client.metadata.map((each) => each.get("x-a"))).toEqual([["1"]]);
  expect(fake.client.messages).toEqual(["ok"]);
  expect(fake.status.code).toBe(status.OK);
  expect(fake.cancels).toBe(1);
  expect([fake.call.getDeadline(), fake.call.getPeer(), fake.call.getHost()]).toEqual([17, "10.0.0.1:1", "localhost"]);
  expect(fake.call.getAuthContext().sslPeerCertificate).toEqual(shape.certificate);
  expect(fake.call.getConnectionInfo()).toEqual({});
  expect(() => fake.call.getMetricsRecorder()).toThrow("Not recorded");
});

test("headers go out before the first message, also where the handler has none, and once", () => {
  const fake = new FakeServerCall([passing, passing]).start();
  fake.call.sendMessage("one", () => undefined);
  fake.respond("two");
  expect(fake.client.metadata).toHaveLength(1);
});

test("nothing of a request goes on after its end, nor after it was refused but the end", () => {
  const over = new FakeServerCall(passing).start().cancel().receive("late").halfClose().cancel();
  expect(over.handler).toMatchObject({ messages: [], halfClosed: false });
  expect(over.cancels).toBe(1);
  const refused = new FakeServerCall((_, call) => asCall(new Refusing(call))).start().receive("a").receive("b");
  refused.halfClose().cancel();
  expect(refused.handler).toMatchObject({ messages: [], halfClosed: false });
  expect(refused.cancels).toBe(1);
});
