/** The signatures of methods, as far as the source of a service shows them. The host would take too long to look through it. */
import { jsEntryCandidates, type MethodSignature, methodSignature } from "@leveros/protocol";
import { admin } from "../../data/admin.ts";

/** The source of the last service: its methods are chosen one after the other. */
let last: { readonly key: string; readonly source: Promise<string> } | undefined;

/** undefined = the source does not show it, or the token does not allow to see the source. */
export async function findSignature(
  of: { readonly environment: string; readonly service: string; readonly version: number },
  method: string,
): Promise<MethodSignature | undefined> {
  const key = JSON.stringify(of);
  if (last?.key !== key) last = { key, source: readSource(of.environment, of.service, of.version) };
  return methodSignature(await last.source, method);
}

async function readSource(environment: string, service: string, version: number): Promise<string> {
  const read = async (path: string): Promise<string> =>
    (await admin("readFile", environment, service, version, path)).text ?? "";
  const leverJson = await read("lever.json").catch(() => "{}");
  const { jsEntry } = JSON.parse(leverJson) as { readonly jsEntry?: unknown };
  if (typeof jsEntry !== "string") return "";
  for (const path of jsEntryCandidates(jsEntry)) {
    const source = await read(path).catch(() => undefined);
    if (source !== undefined) return source;
  }
  return "";
}
