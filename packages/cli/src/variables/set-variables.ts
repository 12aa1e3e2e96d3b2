import { callAdmin } from "../call-admin.ts";
import type { Settings } from "../settings.ts";
import { reportRestart } from "./report-restart.ts";

/** With more, the result has their number instead of their names. */
const NAMES_SHOWN_MAX = 20;

/** Sets variables or secrets, for one service or, with undefined, for every service of the environment. */
export async function setVariables(
  settings: Settings,
  options: {
    readonly values: Readonly<Record<string, string>>;
    readonly service: string | undefined;
    readonly isSecret: boolean;
  },
): Promise<void> {
  const { values, service = "", isSecret } = options;
  const { environment } = settings;
  const kind = { secret: isSecret };
  const report = await callAdmin(settings, "setVariables", environment, service, values, kind);
  const names = Object.keys(values);
  const what = names.length > NAMES_SHOWN_MAX ? `${names.length} variables` : names.join(", ");
  const services = service === "" ? `every service of ${environment}` : service;
  const change = `${what} ${names.length === 1 ? "is" : "are"} set for ${services}.`;
  reportRestart(change, report, { environment, service });
}
