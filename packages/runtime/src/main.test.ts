import { fileURLToPath } from "node:url";
import { LINK_VERSION } from "@leveros/protocol";
import { expect, it } from "vitest";
import { startLinkedChild } from "../../../tests/harness/linked-child.ts";

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
