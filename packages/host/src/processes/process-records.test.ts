import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ProcessRecords } from "./process-records.ts";

it("orphans are killed, but no other process that has got the pid of one", async () => {
  const dir = mkdtempSync(join(tmpdir(), "lever-records-"));
  const program = ["-e", "setInterval(() => {}, 1e6)"];
  const left = spawn(process.execPath, program, { detached: true, stdio: "ignore" });
  const bystander = spawn(process.execPath, program, { detached: true, stdio: "ignore" });
  try {
    new ProcessRecords(dir).add(left.pid ?? 0);
    writeFileSync(join(dir, String(bystander.pid)), "1 another-boot");
    const exited = once(left, "exit");
    expect(new ProcessRecords(dir).killOrphans()).toEqual([left.pid]);
    expect(await exited).toEqual([null, "SIGKILL"]);
    expect(bystander.exitCode).toBeNull();
    expect(readdirSync(dir)).toEqual([]);
    expect(new ProcessRecords(dir).killOrphans()).toEqual([]);
  } finally {
    bystander.kill("SIGKILL");
    rmSync(dir, { recursive: true });
  }
});
