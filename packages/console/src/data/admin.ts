/** Calls of the admin service, and of services. */
import type { AdminMethods } from "@leveros/protocol";
import { Client, LeverError, type RemoteStream } from "leveros";
import { token } from "./session.ts";

/** A failure as it is shown. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

export function client(timeoutMs = 0): Client {
  const { protocol, host } = window.location;
  const forceHost = protocol === "https:" ? `https://${host}` : host;
  return new Client({ forceHost, token: token.value, timeoutMs });
}

/** Calls a method of the admin service. @throws LeverError */
export async function admin<Name extends keyof AdminMethods>(
  method: Name,
  ...args: Parameters<AdminMethods[Name]>
): Promise<ReturnType<AdminMethods[Name]>> {
  const reply = await client()
    .service("admin.lever", "admin")
    .invoke(method, ...args);
  // The edge where the host's answer is trusted to have the form that its method promises.
  return reply as ReturnType<AdminMethods[Name]>;
}

export async function adminStream(method: string, ...args: unknown[]): Promise<RemoteStream> {
  return await client()
    .service("admin.lever", "admin")
    .invokeChan(method, ...args);
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof LeverError)) return { code: "internal", message: String(error) };
  const { code, message, value } = error;
  const isText = code === "method_failed" && typeof value === "string";
  return { code, message: isText ? value : message };
}
