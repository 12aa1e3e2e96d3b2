import { callAdmin } from "../call-admin.ts";
import { type Command, command } from "../command.ts";
import { required, value } from "../parameters.ts";
import { reportRestart } from "./report-restart.ts";

/** Declares `lever var unset` or `lever secret unset`. */
export function unsetCommand({ isSecret }: { isSecret: boolean }): Command {
  const [noun, group] = isSecret ? ["secret", "secret"] : ["variable", "var"];
  return command({
    name: "unset",
    summary: `remove a ${noun}`,
    description: `Remove a ${noun}. Running instances that see it are restarted without failing a call.`,
    arguments: { name: required(`name of the ${noun}`, "NAME") },
    options: { service: value("<service>", "the service that it was set for") },
    examples: [
      [`lever ${group} unset NAME`, "if it was set for every service"],
      [`lever ${group} unset NAME --service helloService`, "if it was set for this service"],
    ],
    run: async ({ name, service = "" }, readSettings) => {
      const settings = readSettings();
      const { environment } = settings;
      const report = await callAdmin(settings, "unsetVariable", environment, service, name);
      const change = `${name} is removed from ${service === "" ? environment : service}.`;
      reportRestart(change, report, { environment, service });
    },
  });
}
