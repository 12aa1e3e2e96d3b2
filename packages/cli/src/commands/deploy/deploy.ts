import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag, optional, value } from "../../parameters.ts";
import { readEnvironment, type Settings } from "../../settings.ts";
import { type DeployOutcome, readDeployAnswer } from "./deploy-answer.ts";
import { formatDeployReport } from "./deploy-report.ts";
import { ProgressLine } from "./progress.ts";
import type { ServiceFolder } from "./service-folder.ts";

const DEFAULT_ADMIN_ENVIRONMENT = "admin.lever";

export const deploy: Command = command({
  name: "deploy",
  summary: "deploy the service in a folder",
  description: "Pack a folder, send it to Lever, and make it the live version of its service.",
  arguments: { dir: optional("folder of the service (default: this one)") },
  options: {
    admin: value(
      "<environment>",
      `environment of the admin service (default: ${DEFAULT_ADMIN_ENVIRONMENT})`,
    ),
    json: jsonFlag("the report"),
  },
  notes: `The folder contains a lever.json, which names the service and its entry point:
  {"name": "helloService", "jsEntry": "server.js"}
Deploying a name again creates a new version. Calls go to the old version until the new one has started. If that
fails, the old version stays live.
Files that .leverignore lists are not sent; without a .leverignore, those that .gitignore lists. node_modules is always
sent unless .leverignore lists it.`,
  examples: [
    ["lever deploy", "the service in this folder"],
    ["lever deploy ./hello", "the service in another folder"],
    ["lever -E prod.lever deploy", "into another environment"],
    ["lever deploy --json | jq .version"],
  ],
  run: async ({ dir = ".", admin = DEFAULT_ADMIN_ENVIRONMENT, json }, readSettings) => {
    const settings = readSettings();
    const adminEnvironment = readEnvironment(admin, "--admin");
    // Loaded here: other commands start faster without the libraries behind them.
    const { readServiceFolder } = await import("./service-folder.ts");
    const service = await readServiceFolder(dir);
    for (const warning of service.warnings) printNote(`lever: ${warning}`);
    const outcome = await upload(service, settings, adminEnvironment);
    switch (outcome.kind) {
      case "deployed":
        printResult(
          json
            ? JSON.stringify(outcome.report)
            : formatDeployReport(outcome.report, settings.flags),
        );
        return;
      case "refused":
        throw new CommandError(
          exitStatus.failed,
          `Cannot deploy ${service.leverJson.name} to ${settings.environment}: ${outcome.reason}`,
        );
      case "failed":
        throw outcome.error;
    }
  },
});

/** Packs and sends the folder, and shows the progress on a terminal. */
async function upload(
  { folder, entries, bytes: folderBytes }: ServiceFolder,
  { hostUrl, token, environment }: Settings,
  adminEnvironment: string,
): Promise<DeployOutcome> {
  const { packEntries } = await import("./pack-entries.ts");
  const { uploadArchive } = await import("./upload.ts");
  const progress = new ProgressLine(process.stderr);
  let packedBytes = 0;
  let sentBytes = 0;
  try {
    const answer = await uploadArchive({
      hostUrl,
      token,
      adminEnvironment,
      environment,
      archive: () => {
        packedBytes = 0;
        return packEntries(folder, entries, (bytes) => {
          packedBytes += bytes;
        });
      },
      onSent: (bytes) => {
        sentBytes = bytes;
        progress.show({ name: "uploading", packedBytes, folderBytes, sentBytes });
      },
      onAllSent: () => progress.show({ name: "starting", sentBytes }),
    });
    return readDeployAnswer(answer);
  } finally {
    progress.clear();
  }
}
