// @module-tag needs-containers
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { httpProgram } from "../harness/http-program.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { sendRequest } from "../harness/site-client.ts";
import { deployService, testService } from "../harness/test-service.ts";
import { packageCases } from "../packages/cases.ts";
import { checkCase } from "../packages/check-case.ts";
import { packagesPage } from "../packages/packages-page.ts";
import { archiveOfCase } from "../packages/service-archive.ts";

const repository = join(import.meta.dirname, "../..");
// `npm run packages` tests all of them.
const quickCases = Object.values(packageCases)
  .flat()
  .filter(({ isQuick }) => isQuick);

describe.each([
  ["a process", "process"],
  ["a container", "oci"],
] as const)("services in %s", (place, isolation) => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever({ isolation });
  }, 60_000);

  afterAll(() => lever.stop());

  it.each(quickCases)(
    `a service in ${place} uses $name`,
    async (of) => checkCase(lever, of, await archiveOfCase(of)),
    60_000,
  );

  it(`a program on a port in ${place} answers requests, and opens WebSockets`, async () => {
    const fields = { name: "web", http: ["node", "server.mjs"], httpReady: "/ready" };
    await deployService(lever, testService({ "server.mjs": httpProgram }, fields));
    const page = await sendRequest("HTTP/1.1", lever.address, { path: "/web/" });
    expect(await page.text()).toBe("<h1>Version 1</h1>");
    const socket = new WebSocket(`ws://${lever.address}/web/live`);
    await once(socket, "open");
    socket.send("hello");
    expect(String((await once(socket, "message"))[0])).toBe("hello");
    socket.terminate();
  });
});

it("the page of tested packages is what the table of tests says", async () => {
  // After a change of the table: npx vitest run tests/system/packages.test.ts -t page -u
  await expect(packagesPage()).toMatchFileSnapshot(join(repository, "docs/reference/packages.md"));
});
