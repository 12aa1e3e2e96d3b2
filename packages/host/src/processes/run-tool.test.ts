import { expect, it } from "vitest";
import { runTool } from "./run-tool.ts";

it("a tool gets arguments, variables and input unchanged, as its output shows", async () => {
  const odd = `a 'b' "c" $d \\e\n*`;
  const script = 'printf "%s|%s|" "$1" "$ODD"; cat';
  const printed = await runTool("sh", ["-c", script, "sh", odd], { env: { ODD: odd }, input: odd });
  expect(printed).toBe(`${odd}|${odd}|${odd}`);
});

it("a tool that fails rejects with its output, and the next ones run", async () => {
  const failing = runTool("sh", ["-c", "echo no such luck >&2; exit 3"]);
  const many = Array.from({ length: 20 }, (_, index) => runTool("echo", [String(index)]));
  await expect(failing).rejects.toThrow("sh -c: no such luck");
  expect(await Promise.all(many)).toEqual(many.map((_, index) => String(index)));
  await expect(runTool("/no/such/tool", [])).rejects.toThrow(/not found/);
  await expect(runTool("echo", ["\0"])).rejects.toThrow("zero byte");
});

it("tools run after a shell was killed", async () => {
  await expect(runTool("sh", ["-c", "kill -9 0"])).rejects.toThrow("its shell has ended");
  expect(await runTool("echo", ["again"])).toBe("again");
});
