import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { LeverError } from "@leveros/protocol";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { flag, jsonFlag, required, value } from "../../parameters.ts";
import { formatBytes } from "../../quantity.ts";

const SECONDS_MAX = 60;

export const profile: Command = command({
  name: "profile",
  summary: "write a CPU profile or a heap snapshot of an instance",
  description:
    "Write a CPU profile of an instance into a file, or a snapshot of its heap, for the developer tools of browsers.",
  arguments: { name: required("an instance, or a service: its instance with the most calls") },
  options: {
    seconds: value("<n>", "how long the CPU profile takes", {
      parse: (text) => (/^\d{1,2}$/.test(text) ? readSeconds(Number(text)) : undefined),
      allowed: `1 to ${SECONDS_MAX}`,
      default: 10,
    }),
    heap: flag("write a snapshot of the heap instead"),
    output: value("<file>", "the file (default: its name.cpuprofile or .heapsnapshot)"),
    json: jsonFlag("the file and its size"),
  },
  notes: `Calls go on during a CPU profile. For a snapshot, the instance stands still for some seconds, and needs about
twice the memory of its heap. A snapshot has everything that the service has in memory, also secrets: it needs the
right deploy.`,
  examples: [
    ["lever profile helloService", "where the next ten seconds go"],
    ["lever profile helloService-3-1f2e3d4c --heap --output now.heapsnapshot"],
  ],
  run: async ({ name, seconds, heap, output, json }, readSettings) => {
    const { environment, host, token } = readSettings();
    const path = output ?? `${name}.${heap ? "heapsnapshot" : "cpuprofile"}`;
    const { Client } = await import("leveros");
    let bytes = 0;
    try {
      const stream = await new Client({ forceHost: host, token })
        .service("admin.lever", "admin")
        .invokeChan("profileChan", environment, name, { heap, seconds });
      // Only once there is something to write: a refused command leaves no file.
      let file: ReturnType<typeof createWriteStream> | undefined;
      for await (const message of stream) {
        if (!(message instanceof Uint8Array)) continue;
        file ??= createWriteStream(path, { mode: 0o600 });
        if (!file.write(message)) await once(file, "drain");
        bytes += message.length;
      }
      file?.end();
      if (file !== undefined) await finished(file);
    } catch (error) {
      if (error instanceof LeverError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new CommandError(exitStatus.lever, `Cannot write ${path}: ${reason}.`);
    }
    printResult(
      json ? JSON.stringify({ file: path, bytes }) : `Wrote ${path} (${formatBytes(bytes)}).`,
    );
  },
});

function readSeconds(seconds: number): number | undefined {
  return seconds >= 1 && seconds <= SECONDS_MAX ? seconds : undefined;
}
