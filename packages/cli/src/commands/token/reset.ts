import { homedir } from "node:os";
import { join } from "node:path";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag, value } from "../../parameters.ts";
import { databaseUrls } from "../up/read-cluster.ts";

export const resetToken: Command = command({
  name: "reset",
  summary: "replace a lost admin token, on the host's machine",
  description:
    "Create a token that allows everything, in the data folder of a host that is stopped, and print it.",
  isLocal: true,
  options: {
    data: value("<dir>", "data folder of the host (default: ~/.lever)"),
    cluster: value("<url[,url]>", "database of its cluster, as lever up has it"),
    json: jsonFlag("the token and its settings"),
  },
  notes: `It needs no token, but access to the data folder: run it on the host's machine, as the user that lever up runs as.
The host must be stopped, because only one program can have its database open. All other tokens stay valid: revoke the
lost one with lever token revoke, once the host runs again. Of a cluster, one host must be stopped; the others accept
the token at once.`,
  examples: [
    ["lever token reset --data /var/lib/lever > token.txt", "while the host is stopped"],
    ["lever login < token.txt", "once it runs again"],
  ],
  run: async ({ data = join(homedir(), ".lever"), cluster, json }) => {
    const { createAdminToken, StartupError } = await import("@leveros/host");
    const created = await createAdminToken(data, databaseUrls(cluster)).catch((error: unknown) => {
      if (!(error instanceof StartupError)) throw error;
      const remedy =
        error.problem === "dataFolderInUse"
          ? "\nStop that host (Ctrl-C, or systemctl stop lever), run this again, and start it again."
          : "";
      throw new CommandError(exitStatus.lever, `${error.message}${remedy}`, { cause: error });
    });
    printResult(json ? JSON.stringify(created) : created.token);
    printNote(
      "It works once the host runs again. Other tokens are still valid: lever token ls lists them.",
    );
  },
});
