import type { Command } from "commander";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { readEnvironment, readSettings, type Settings } from "../../settings.ts";

const HELP = `
The folder holds a lever.json, which names the service and its entry point:
  {"name": "helloService", "jsEntry": "server.js"}
Deploying the same name again makes a new version. Calls go to the old one until the new one has started, and it
stays in place when that fails.
What .leverignore lists, or without one .gitignore, is left out; node_modules is kept unless .leverignore lists it.

Examples:
  lever deploy                    the service in this folder
  lever deploy ./hello            the one in that folder
  lever -E prod.lever deploy      into another environment
  lever deploy --json | jq .version`;

interface DeployOptions {
  readonly admin: string;
  readonly json?: true;
}

export function declareDeploy(program: Command): void {
  program
    .command("deploy")
    .summary("run the service in a folder")
    .description("Pack a folder, send it to Lever, and make it the live version of its service.")
    .argument("[dir]", "folder of the service", ".")
    .option("--admin <environment>", "environment of the admin service", "admin.lever")
    .option("--json", "print the report as JSON")
    .addHelpText("after", HELP)
    .action((dir: string, options: DeployOptions) =>
      deploy(dir, { ...options, settings: readSettings(program) }),
    );
}

async function deploy(dir: string, options: DeployOptions & { settings: Settings }): Promise<void> {
  const { settings } = options;
  const { environment, hostUrl, token } = settings;
  const adminEnvironment = readEnvironment(options.admin, "--admin");
  const { readServiceFolder } = await import("./service-folder.ts");
  const { folder, leverJson, warnings, entries, bytes: folderBytes } = await readServiceFolder(dir);
  for (const warning of warnings) printNote(`lever: ${warning}`);

  const { packEntries } = await import("./pack-entries.ts");
  const { uploadArchive } = await import("./upload.ts");
  const { readDeployAnswer } = await import("./deploy-answer.ts");
  const { ProgressLine } = await import("./progress.ts");
  const progress = new ProgressLine(process.stderr);
  let packedBytes = 0;
  let sentBytes = 0;
  const archive = (): AsyncIterable<Buffer> => {
    packedBytes = 0;
    return packEntries(folder, entries, (bytes) => {
      packedBytes += bytes;
    });
  };
  try {
    const answer = await uploadArchive({
      hostUrl,
      token,
      adminEnvironment,
      environment,
      archive,
      onSent: (bytes) => {
        sentBytes = bytes;
        progress.show({ name: "uploading", packedBytes, folderBytes, sentBytes });
      },
      onAllSent: () => progress.show({ name: "starting", sentBytes }),
    });
    progress.clear();
    const outcome = readDeployAnswer(answer);
    switch (outcome.kind) {
      case "deployed": {
        const { formatDeployReport } = await import("./deploy-report.ts");
        printResult(
          options.json
            ? JSON.stringify(outcome.report)
            : formatDeployReport(outcome.report, settings.flags),
        );
        return;
      }
      case "refused":
        throw new CommandError(
          exitStatus.failed,
          `${leverJson.name} was not deployed to ${environment}: ${outcome.reason}`,
        );
      case "failed":
        throw outcome.error;
    }
  } finally {
    progress.clear();
  }
}
