// @module-tag needs-containers
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
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
});

it("the page of tested packages is what the table of tests says", async () => {
  // After a change of the table: npx vitest run tests/system/packages.test.ts -t page -u
  await expect(packagesPage()).toMatchFileSnapshot(join(repository, "docs/reference/packages.md"));
});
