import {
  type AdminMethods,
  type HostsBehind,
  type HostsOption,
  type HostsReply,
  isJsonObject,
  LeverError,
  type MissingHost,
} from "@leveros/protocol";
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

/** The arguments of a method before the last one. */
type AllButLast<Arguments extends readonly unknown[]> =
  Required<Arguments> extends readonly [...infer Others, unknown] ? Others : never;

/** Methods that all hosts of a cluster answer together: their last argument says which. */
type HostsMethod = {
  [Name in keyof AdminMethods]: Required<Parameters<AdminMethods[Name]>> extends readonly [
    ...unknown[],
    HostsOption | null,
  ]
    ? Name
    : never;
}[keyof AdminMethods];

/**
 * Calls a method that all hosts of a cluster answer together, and says which of them have not answered. `on`: only this host
 * answers.
 * @throws as `callAdmin`
 */
export async function askHosts<Name extends HostsMethod>(
  settings: Settings,
  on: string | undefined,
  method: Name,
  ...args: AllButLast<Parameters<AdminMethods[Name]>>
): Promise<ReturnType<AdminMethods[Name]>> {
  const option: HostsOption = { on, report: true };
  const all: readonly unknown[] = [...args, option];
  const answer = await callAdmin(settings, method, ...(all as Parameters<AdminMethods[Name]>));
  if (!isHostsReply<ReturnType<AdminMethods[Name]>>(answer)) return answer;
  for (const host of answer.missing) noteMissing(host);
  return answer.reply;
}

/** With `report`, the reply is a part of the answer. A host of an older Lever sends the reply alone. */
function isHostsReply<Reply>(answer: unknown): answer is HostsReply<Reply> {
  return isJsonObject(answer) && "reply" in answer && Array.isArray(answer["missing"]);
}

/** Says that a host has no part in what is shown. */
export function noteMissing({ host, reason }: MissingHost): void {
  printNote(`lever: without ${host}: ${reason}`);
}
