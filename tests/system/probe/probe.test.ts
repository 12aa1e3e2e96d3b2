// @module-tag alone
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../harness/eventually.ts";
import type { Attempt, Mode } from "./attempt.ts";
import { attempts, isolationPage } from "./table.ts";
import { ProbedHost } from "./world.ts";

function run(attempt: Attempt, { world }: ProbedHost): Promise<string> {
  if (attempt.python !== undefined) return world.probe("python", attempt.python);
  if (attempt.script !== undefined) return world.probe("script", attempt.script);
  if (attempt.from !== undefined) return attempt.from(world);
  throw new Error(`Cannot make the attempt: ${attempt.name} has no program.`);
}

describe(
  "a hostile service, kept apart by oci,",
  { tags: ["needs-containers", "needs-python"] },
  () => testAttempts("oci"),
);
describe(
  "a hostile service, kept apart by process,",
  { tags: ["needs-root", "needs-python"] },
  () => testAttempts("process"),
);

function testAttempts(mode: Mode): void {
  let host: ProbedHost;

  beforeAll(async () => {
    host = await ProbedHost.start(mode);
  }, 60_000);

  afterAll(() => host.stop());

  const rows = Object.values(attempts)
    .flat()
    .filter(({ answers }) => answers[mode] !== undefined)
    .map((attempt) => ({ ...attempt, attempt, answer: attempt.answers[mode] }));

  test.each(rows)(
    `a hostile service (${mode}) $name: $answer`,
    async ({ attempt, answer }) => {
      expect(await run(attempt, host)).toBe(answer);
      await host.neighbours.answered();
      expect(host.neighbours.wrong.splice(0)).toEqual([]);
      // The service is alive, in the same instance or in another.
      await eventually(
        async () => (await host.world.probe("script", 'return "alive"')) === "alive",
      );
    },
    120_000,
  );
}

test("the page about isolation is the table of attempts (vitest --update writes it)", async () => {
  const page = "../../../docs/reference/isolation.md";
  await expect(isolationPage()).toMatchFileSnapshot(page);
});
