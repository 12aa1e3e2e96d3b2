import { fileURLToPath } from "node:url";
import { LINK_VERSION } from "@leveros/protocol";
import { expect, it } from "vitest";
import { startLinkedChild } from "../../../../tests/harness/linked-child.ts";

const program = fileURLToPath(new URL("worker-main.ts", import.meta.url));

it("a worker refuses a host of another link version, and exits", async () => {
  await using worker = startLinkedChild(program);
  worker.link.control({ type: "setup", linkVersion: LINK_VERSION + 1, setup: {} });
  expect(await worker.exited).toBe(1);
  expect(worker.messages).toEqual([
    {
      type: "failed",
      reason: expect.stringContaining(`the host speaks ${LINK_VERSION + 1}): restart the host`),
    },
  ]);
});
