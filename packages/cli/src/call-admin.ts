import { LeverError } from "@leveros/protocol";
import type { Settings } from "./settings.ts";

/** Calls a method of the admin service of the host that the settings name. */
export async function callAdmin(
  { host, token }: Settings,
  method: string,
  ...args: unknown[]
): Promise<unknown> {
  const { Client } = await import("leveros");
  try {
    return await new Client({ forceHost: host, token })
      .service("admin.lever", "admin")
      .invoke(method, ...args);
  } catch (error) {
    // The method is Lever's own: when it fails, Lever refuses.
    if (!(error instanceof LeverError) || error.code !== "method_failed") throw error;
    const reason = typeof error.value === "string" ? error.value : JSON.stringify(error.value);
    throw new LeverError("unavailable", reason, { cause: error });
  }
}
