import { type AdminMethods, type HostsBehind, isJsonObject, LeverError } from "@leveros/protocol";
import { CommandError, exitStatus } from "./exit-status.ts";
import { printNote } from "./output.ts";
import type { Settings } from "./settings.ts";

/** Says which hosts of a cluster may not have a change yet. */
export function noteHostsBehind(answer: unknown): void {
  const { hostsBehind = [] }: HostsBehind = isJsonObject(answer) ? answer : {};
  if (hostsBehind.length === 0) return;
  const names = hostsBehind.join(", ");
  printNote(
    `lever: not confirmed by ${names}: without contact, they may answer as before. See: lever hosts`,
  );
}

/**
 * Calls a method of the admin service.
 * @throws CommandError with exit status 3 when the method fails; LeverError for any other failure of the call.
 */
export async function callAdmin<Name extends keyof AdminMethods>(
  {
    host,
    token,
    adminEnvironment = "admin.lever",
  }: Settings & { readonly adminEnvironment?: string },
  method: Name,
  ...args: Parameters<AdminMethods[Name]>
): Promise<ReturnType<AdminMethods[Name]>> {
  const { Client } = await import("leveros");
  try {
    // The edge where the host's answer is trusted to have the form that its method promises.
    const answer = (await new Client({ forceHost: host, token })
      .service(adminEnvironment, "admin")
      .invoke(method, ...args)) as ReturnType<AdminMethods[Name]>;
    noteHostsBehind(answer);
    return answer;
  } catch (error) {
    if (!(error instanceof LeverError) || error.code !== "method_failed") throw error;
    // The method belongs to Lever: its failure is Lever's, and not that of a service.
    const reason = typeof error.value === "string" ? error.value : JSON.stringify(error.value);
    throw new CommandError(exitStatus.lever, reason, { cause: error });
  }
}
