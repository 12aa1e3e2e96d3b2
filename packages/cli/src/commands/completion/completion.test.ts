import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { answerJson, startFakeHost } from "../../../../../tests/harness/fake-host.ts";
import { cleanEnvironment, leverBin, runLever } from "../../../../../tests/harness/run-lever.ts";

const lever = `lever() { "${process.execPath}" "${leverBin}" "$@"; }`;

it("the script for bash completes the names of commands", () => {
  const script = `${lever}
source <(lever completion bash)
COMP_WORDS=(lever sto); COMP_CWORD=1
_lever
echo "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync("bash", ["-c", script], { env: cleanEnvironment() });
  expect(stdout.toString()).toBe("stop-instance\n");
});

it("the script for zsh completes what is typed, and adds nothing where nothing can follow", {
  tags: ["needs-zsh"],
}, async () => {
  // As a person types: Tab completes, Ctrl-E and Ctrl-A go to the end and the beginning of the line.
  const keys = ["sto", "sto nothing "].map((words) => `lever ${words}\t\x05.'\x01print -r -- '\n`);
  keys.push("exit\n");
  const shell = spawn("script", ["-qc", "zsh -f -i", "/dev/null"], { env: cleanEnvironment() });
  let output = "";
  shell.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    // Once: the shell ends, and needs its input until then.
    if (output.includes("is-ready\r\n")) shell.stdin.write(keys.splice(0).join(""));
  });
  const begin = `bindkey -e; autoload -Uz compinit; compinit -u -D; ${lever}; source <(lever completion zsh)`;
  shell.stdin.write(`${begin}; print is-''ready\n`);
  await once(shell, "close");
  // The terminal may show what is typed, with its tabs, before the shell reads it.
  expect(output.match(/^lever [^\t\n]*\./gm)).toEqual([
    "lever stop-instance.",
    "lever sto nothing .",
  ]);
});

it("the script for fish completes the names of commands, and of their options", {
  tags: ["needs-fish"],
}, () => {
  const script = `function lever; "${process.execPath}" "${leverBin}" $argv; end
lever completion fish | source
complete --do-complete "lever sto"
complete --do-complete "lever logs --inst"`;
  const { stdout } = spawnSync("fish", ["--no-config", "-c", script], { env: cleanEnvironment() });
  expect(stdout.toString()).toBe("stop-instance\n--instance\n");
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
