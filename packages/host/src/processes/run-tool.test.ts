import { expect, it } from "vitest";
import { runTool } from "./run-tool.ts";

it("gives arguments, variables and input as they are, and what was printed back", async () => {
  const odd = `a 'b' "c" $d \\e\n*`;
  const script = 'printf "%s|%s|" "$1" "$ODD"; cat';
  const printed = await runTool("sh", ["-c", script, "sh", odd], { env: { ODD: odd }, input: odd });
  expect(printed).toBe(`${odd}|${odd}|${odd}`);
});

it("says what a tool said that fails, and goes on with the next", async () => {
  const failing = runTool("sh", ["-c", "echo no such luck >&2; exit 3"]);
  const many = Array.from({ length: 20 }, (_, index) => runTool("echo", [String(index)]));
  await expect(failing).rejects.toThrow("sh -c: no such luck");
  expect(await Promise.all(many)).toEqual(many.map((_, index) => String(index)));
  await expect(runTool("/no/such/tool", [])).rejects.toThrow(/not found/);
  await expect(runTool("echo", ["\0"])).rejects.toThrow("zero byte");
});

it("goes on when a shell was ended", async () => {
  await expect(runTool("sh", ["-c", "kill -9 0"])).rejects.toThrow("its shell has ended");
  expect(await runTool("echo", ["again"])).toBe("again");
});
