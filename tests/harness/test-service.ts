import type { DeployReport } from "@leveros/protocol";
import { serviceArchive } from "./archive.ts";
import { deployArchive } from "./http-call.ts";

/** The fields of a lever.json. */
export interface ServiceFields {
  readonly name: string;
  readonly [field: string]: unknown;
}

/** A service as an archive. Code alone becomes its `server.js`, which is the default of `jsEntry`. */
export function testService(
  files: string | Readonly<Record<string, string | Buffer>>,
  leverJson: ServiceFields,
): Buffer {
  const fields =
    "entry" in leverJson || "http" in leverJson
      ? leverJson
      : { jsEntry: "server.js", ...leverJson };
  return serviceArchive({
    "lever.json": JSON.stringify(fields),
    ...(typeof files === "string" ? { "server.js": files } : files),
  });
}

/** Deploys an archive. @throws Error with the host's answer when it refuses. */
export async function deployService(
  { address }: { readonly address: string },
  service: Buffer,
  environment = "dev.lever",
  token?: string,
): Promise<DeployReport> {
  const answer = await deployArchive(address, service, environment, token);
  if (answer.status !== 200) throw new Error(`Cannot deploy: ${answer.status} ${answer.text}`);
  return answer.json() as DeployReport;
}
