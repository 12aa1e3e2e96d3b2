import { expect, it } from "vitest";
import { answerJson, startFakeHost } from "../../../tests/harness/fake-host.ts";
import { Client } from "./client.ts";

it("a refused connection is unreachable, with the cause", async () => {
  const host = await startFakeHost((response) => answerJson(response, null));
  const client = new Client({ forceHost: host.address });
  await host[Symbol.asyncDispose]();
  await expect(client.service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringMatching(
      /^Cannot call lever:\/\/dev\.lever\/x\/y at 127\.0\.0\.1:\d+: nothing answers there \(ECONNREFUSED\)\.$/,
    ),
    cause: { code: "ECONNREFUSED" },
  });
});

it("the error of an unknown host name says to set forceHost", async () => {
  const call = new Client().invokeURL("lever://nowhere.invalid/x/y");
  await expect(call).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("Set forceHost to the address of a Lever host."),
  });
});

it("the error of a broken connection says that the method may have run", async () => {
  await using host = await startFakeHost((response) => response.socket?.destroy());
  const client = new Client({ forceHost: host.address });
  await expect(client.service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("The method may have run."),
  });
});

it("the error of an incomplete reply says that the method may have run", async () => {
  await using host = await startFakeHost((response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write("[1,", () => response.socket?.destroy());
  });
  const client = new Client({ forceHost: host.address });
  await expect(client.service("dev.lever", "x").invoke("y")).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("The method may have run."),
  });
});
