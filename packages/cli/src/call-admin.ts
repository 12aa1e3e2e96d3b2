import { type AdminMethods, LeverError } from "@leveros/protocol";
import { CommandError, exitStatus } from "./exit-status.ts";
import type { Settings } from "./settings.ts";

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
    return (await new Client({ forceHost: host, token })
      .service(adminEnvironment, "admin")
      .invoke(method, ...args)) as ReturnType<AdminMethods[Name]>;
  } catch (error) {
    if (!(error instanceof LeverError) || error.code !== "method_failed") throw error;
    // The method belongs to Lever: its failure is Lever's, and not that of a service.
    const reason = typeof error.value === "string" ? error.value : JSON.stringify(error.value);
    throw new CommandError(exitStatus.lever, reason, { cause: error });
  }
}
