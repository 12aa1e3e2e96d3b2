import { uptime } from "node:os";
import { fileURLToPath } from "node:url";
import { type Assignment, LINK_VERSION, type RuntimeMessage } from "@leveros/protocol";
import { expect, it } from "vitest";
import { eventually } from "../../../tests/harness/eventually.ts";
import { startLinkedChild } from "../../../tests/harness/linked-child.ts";
import { makeTemporaryFolder } from "../../../tests/harness/temporary-folder.ts";

const program = fileURLToPath(new URL("main.ts", import.meta.url));

it("a runtime refuses a host of another link version, and exits", async () => {
  await using runtime = startLinkedChild(program);
  runtime.link.control({ type: "assign", linkVersion: LINK_VERSION + 1, assignment: {} });
  expect(await runtime.exited).toBe(70);
  expect(runtime.messages).toContainEqual({
    type: "failed",
    reason: expect.stringContaining(`the host speaks ${LINK_VERSION + 1}): restart the host`),
  });
});

it("N4: a runtime exits at the boot time that its host has set, and not at an earlier one", async () => {
  await using folder = await makeTemporaryFolder();
  await folder.put({ "service.js": "exports.method = () => 1;" });
  await using runtime = startLinkedChild(program);
  const send = (message: RuntimeMessage): void => runtime.link.control(message);
  const assignment: Assignment = {
    ...{ environment: "dev.lever", service: "svc", version: 1, instance: "i" },
    ...{ codeDir: folder.path, jsEntry: "service.js", variables: {} },
    ...{ bodyBytesMax: 1_000, spansMax: 0, spanBytesMax: 0, tracePrefix: "" },
  };
  send({ type: "assign", linkVersion: LINK_VERSION, assignment });
  await eventually(() => runtime.messages.some((message) => Object(message).type === "ready"));
  const now = uptime() * 1_000;
  send({ type: "ownersEnd", atMs: now });
  send({ type: "ownersEnd", atMs: now + 300 });
  // By the signal that ends its process group.
  expect(await runtime.exited).toBeNull();
  expect(uptime() * 1_000).toBeGreaterThanOrEqual(now + 300);
});
