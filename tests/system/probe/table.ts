import type { Attempt } from "./attempt.ts";
import { exhaustion } from "./attempts/exhaustion.ts";
import { files } from "./attempts/files.ts";
import { kernel } from "./attempts/kernel.ts";
import { link } from "./attempts/link.ts";
import { names } from "./attempts/names.ts";
import { network } from "./attempts/network.ts";
import { processes } from "./attempts/processes.ts";

/** Every attempt, by its topic. */
export const attempts: Readonly<Record<string, readonly Attempt[]>> = {
  Files: files,
  Processes: processes,
  "The kernel": kernel,
  "The network": network,
  "The link to the host": link,
  "Names and identity": names,
  Exhaustion: exhaustion,
};

const INTRODUCTION = `# What a hostile service can do

The tests contain a service that tries to leave its instance and to reach others (\`tests/system/probe\`). It makes each
attempt below on a real host, with real system calls. Meanwhile the test calls two neighbours, one in the same
environment and one in another, and both must answer. This page is generated from the table of attempts. The test
fails when they differ.

The results are what the attacker receives: the names of errors (errno(3)), Lever's own error codes
([HTTP API](http.md)), or how its program ended. In \`oci\` no attempt succeeds. \`process\` is a fence against accidents. An
empty cell there promises nothing.`;

const REST = `## What remains

- Containers share the machine's kernel. A vulnerability in it is a way out. Two services that cooperate can exchange
  information through what the kernel has only once: its page cache, locks on the files of \`/usr\`, the load of the CPUs.
- All containers run as one user of the machine, and share what the kernel counts per user: memory in pipes (above 64 MB,
  new pipes are small), descriptors in flight over Unix sockets, and epoll watches.
- The host serves all links in one loop, in turn. A service that floods its own link delays others.
- inotify is missing (\`ENOSYS\`): \`fs.watch\` fails. \`fs.watchFile\` and other ways that poll work.
- \`/proc\` shows the machine's CPUs, memory and load, and where the host stores code and data.`;

/** The text of docs/reference/isolation.md. */
export function isolationPage(): string {
  const sections = Object.entries(attempts).map(([topic, rows]) => {
    const lines = rows.map(({ name, gain, answers }) => {
      const { oci = "", process = "" } = answers;
      return `| ${name} | ${gain} | ${oci} | ${process} |`;
    });
    const head = "| attempt | to reach | in `oci` | in `process` |\n| --- | --- | --- | --- |";
    return `## ${topic}\n\n${head}\n${lines.join("\n")}`;
  });
  return `${[INTRODUCTION, ...sections, REST].join("\n\n")}\n`;
}
