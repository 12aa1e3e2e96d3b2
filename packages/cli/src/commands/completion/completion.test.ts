import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { answerJson, startFakeHost } from "../../../../../tests/harness/fake-host.ts";
import { cleanEnvironment, leverBin, runLever } from "../../../../../tests/harness/run-lever.ts";

it("the script for bash completes the names of commands", () => {
  const script = `lever() { "${process.execPath}" "${leverBin}" "$@"; }
source <(lever completion bash)
COMP_WORDS=(lever sto); COMP_CWORD=1
_lever
echo "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync("bash", ["-c", script], { env: cleanEnvironment() });
  expect(stdout.toString()).toBe("stop-instance\n");
});

it("methods are those of the host that the command line names", async () => {
  const listing = { service: "shop", methods: ["price", "pay"], instances: [] };
  await using host = await startFakeHost((response) => answerJson(response, [listing]));
  const run = await runLever([
    "completion",
    "words",
    "--",
    "-H",
    host.address,
    "invoke",
    "/shop/p",
  ]);
  expect(run).toMatchObject({ status: 0, stdout: "/shop/pay\n/shop/price\n", stderr: "" });
});

it("a host that does not answer has no names, and is no error", async () => {
  const run = await runLever(["completion", "words", "--", "-H", "127.0.0.1:1", "logs", ""]);
  expect(run).toMatchObject({ status: 0, stdout: "", stderr: "" });
});
