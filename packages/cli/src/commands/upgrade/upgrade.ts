import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";
import { packageFolder, readVersion } from "../../version.ts";
import { upgradeAdvice } from "./upgrade-advice.ts";

export const upgrade: Command = command({
  name: "upgrade",
  summary: "show how to get a newer version",
  description:
    "Show how to get a newer version of Lever, in the way in which this one was installed.",
  isLocal: true,
  options: { json: jsonFlag("the version, its folder, and the advice") },
  notes: `It changes nothing. Lever never looks for newer versions and sends no data about its use. The changelog says what a
version changes. After an upgrade, restart the host: a newer version opens the data folder of an older one.`,
  examples: [["lever upgrade"]],
  run: async ({ json }) => {
    const version = readVersion();
    const folder = packageFolder();
    const advice = upgradeAdvice(folder);
    printResult(
      json
        ? JSON.stringify({ version, folder, advice })
        : `This is Lever ${version}, in ${folder}.\nFor a newer version: ${advice}\nThen restart the host. lever backup saves its data before.`,
    );
  },
});
