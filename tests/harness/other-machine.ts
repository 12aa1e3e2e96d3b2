import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A network namespace that stands for another machine: one link to this one, and no other. Needs root. */
export interface OtherMachine {
  /** Runs a Node program there (CommonJS); resolves to its first line of output, while it goes on. */
  run(program: string): Promise<{ line: string; child: ChildProcess }>;
  /** Ends what runs there, and removes it. */
  remove(): void;
}

const ip = (...args: string[]): void => {
  execFileSync("/sbin/ip", args);
};

/** `addresses`: what it has, with the length of the prefix; `here` is this machine's end. */
export function makeOtherMachine(options: {
  readonly name: string;
  readonly here: string;
  readonly addresses: readonly string[];
}): OtherMachine {
  const { name, here, addresses } = options;
  const [near, far] = [`${name}n`, `${name}f`];
  ip("netns", "add", name);
  ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
  ip("addr", "add", here, "dev", near);
  ip("link", "set", near, "up");
  for (const address of addresses) ip("-n", name, "addr", "add", address, "dev", far);
  ip("-n", name, "link", "set", far, "up");
  ip("-n", name, "link", "set", "lo", "up");
  for (const address of addresses.slice(1)) {
    ip("route", "add", address.replace(/\/.*/, ""), "dev", near);
  }
  const children: ChildProcess[] = [];
  const files: string[] = [];
  return {
    async run(program) {
      const file = join(tmpdir(), `lever-${name}-${files.length}.cjs`);
      files.push(file);
      writeFileSync(file, program);
      const args = ["netns", "exec", name, process.execPath, file];
      const child = spawn("/sbin/ip", args, { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      const [chunk] = (await once(child.stdout, "data")) as [Buffer];
      return { line: chunk.toString().trim(), child };
    },
    remove() {
      for (const child of children) child.kill("SIGKILL");
      for (const file of files) rmSync(file, { force: true });
      ip("netns", "del", name);
    },
  };
}
