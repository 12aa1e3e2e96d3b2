import type { Attempt } from "./attempt.ts";
import { exhaustion } from "./attempts/exhaustion.ts";
import { files } from "./attempts/files.ts";
import { kernel } from "./attempts/kernel.ts";
import { link } from "./attempts/link.ts";
import { names } from "./attempts/names.ts";
import { network } from "./attempts/network.ts";
import { processes } from "./attempts/processes.ts";

/** Every attempt, by what it goes for. */
export const attempts: Readonly<Record<string, readonly Attempt[]>> = {
  Files: files,
  Processes: processes,
  "The kernel": kernel,
  "The network": network,
  "The link to the host": link,
  "Names and identity": names,
  "What there is only so much of": exhaustion,
};

const INTRODUCTION = `# What a hostile service can do

A service that tries to get out of its instance, or across into another, is part of the tests
(\`tests/system/probe\`): it makes each attempt below on a real host, with real system calls, while two neighbours, one
in its own environment and one in another, are called all the time and must answer. This page is made from the same
table, and the test fails where they differ.

The answers are what the attacker hears: mostly the names of errors (errno(3)), codes of Lever's own
([HTTP API](http.md)), or how its program ended. In \`oci\` none of them is a success. \`process\` is a fence against
accidents, and says nothing of what it does not name.`;

const REST = `## What is left

- Containers share the machine's kernel: a hole in that is a way out, and what the kernel keeps for all of them (its page
  cache, locks on the files of \`/usr\`, the load of the processors) can carry signs between services that want to talk.
- All containers run as one user of the machine. What the kernel counts for each user they share: memory in pipes (beyond
  64 MB new pipes are small), descriptors in flight over Unix sockets, watches of epoll.
- The host serves all links in one loop, each in its turn: a service that floods its own makes others wait longer.
- inotify is not there (\`ENOSYS\`): \`fs.watch\` fails, \`fs.watchFile\` and other ways of looking from time to time work.
- \`/proc\` tells what machine it is (processors, memory, load), and where the host keeps code and data.`;

/** The page for people. */
export function isolationPage(): string {
  const sections = Object.entries(attempts).map(([topic, rows]) => {
    const lines = rows.map(({ name, gain, answers }) => {
      const { oci = "", process = "" } = answers;
      return `| ${name} | ${gain} | ${oci} | ${process} |`;
    });
    const head = "| it … | for | in `oci` | in `process` |\n| --- | --- | --- | --- |";
    return `## ${topic}\n\n${head}\n${lines.join("\n")}`;
  });
  return `${[INTRODUCTION, ...sections, REST].join("\n\n")}\n`;
}
