import { callAdmin } from "../call-admin.ts";
import type { Settings } from "../settings.ts";
import { reportRestart } from "./report-restart.ts";

/** Sets a variable or a secret, for one service or, with undefined, for every service of the environment. */
export async function setVariable(
  settings: Settings,
  variable: { name: string; value: string; service: string | undefined; isSecret: boolean },
): Promise<void> {
  const { name, value, service = "", isSecret } = variable;
  const { environment } = settings;
  const options = { secret: isSecret };
  const report = await callAdmin(
    settings,
    "setVariable",
    environment,
    service,
    name,
    value,
    options,
  );
  const services = service === "" ? `every service of ${environment}` : service;
  reportRestart(`${name} is set for ${services}.`, report);
}
