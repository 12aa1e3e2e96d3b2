import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { answerJson, type FakeHost, startFakeHost } from "../../../tests/harness/fake-host.ts";
import { cleanEnvironment, leverBin } from "../../../tests/harness/run-lever.ts";

/** Runs a command on a terminal, and types an answer once it has asked. */
async function onTerminal(
  { address }: FakeHost,
  args: string,
  { question, answer }: { question: string; answer: string },
): Promise<{ status: number; output: string }> {
  const command = `exec ${process.execPath} ${leverBin} ${args}`;
  const script = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...cleanEnvironment(), LEVEROS_IP_PORT: address, TERM: "xterm" },
  });
  let output = "";
  let isAsked = false;
  script.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (isAsked || !output.includes(question)) return;
    isAsked = true;
    script.stdin.write(answer);
  });
  const [status] = (await once(script, "close")) as [number];
  return { status, output };
}

const isLinux = process.platform === "linux";
const report = { isDeployed: true, restarted: [], failed: [] };

it.runIf(isLinux)("a secret that is typed on a terminal is sent, and not shown", async () => {
  await using host = await startFakeHost((response) => answerJson(response, report));
  const { status, output } = await onTerminal(host, "secret set PASSWORD", {
    question: "Value of PASSWORD: ",
    answer: "hunter22\bx\r",
  });
  expect([status, host.requests.length]).toEqual([0, 1]);
  expect(host.requests[0]?.body.toString()).toContain('{"PASSWORD":"hunter2x"}');
  expect(output).not.toContain("hunter");
});

it.runIf(isLinux).each([
  ["yes", "y\r", 0, ["/admin/listServices", "/admin/removeService"]],
  ["anything else", "\r", 3, ["/admin/listServices"]],
  ["Ctrl-C", "\u0003", 130, ["/admin/listServices"]],
])("lever rm asks on a terminal: %s", async (_what, answer, expected, urls) => {
  await using host = await startFakeHost((response, { url }) =>
    answerJson(response, url.endsWith("listServices") ? [] : {}),
  );
  const question = "Continue? [y/N] ";
  const { status, output } = await onTerminal(host, "rm svc", { question, answer });
  expect(status).toBe(expected);
  expect(output).toContain(
    "This removes svc from dev.lever, and its data, variables, secrets and logs.",
  );
  const called = host.requests.map(({ url }) => url).filter((url) => url.startsWith("/admin/"));
  expect(called).toEqual(urls);
});
