import { inspect, isDeepStrictEqual } from "node:util";
import { callMethod } from "../harness/http-call.ts";
import { deployService } from "../harness/test-service.ts";
import type { PackageCase } from "./package-case.ts";
import { SERVICE } from "./service-archive.ts";

/** Deploys the service of a case and calls it. @throws Error that names the package when a reply is another one. */
export async function checkCase(
  lever: { readonly address: string },
  of: PackageCase,
  archive: Buffer,
): Promise<void> {
  await deployService(lever, archive).catch((error: unknown) => {
    throw new Error(`${of.name}: ${error instanceof Error ? error.message : String(error)}`);
  });
  for (const [method, args, reply] of of.calls) {
    const answer = await callMethod(lever.address, `/${SERVICE}/${method}`, args);
    if (answer.status === 200 && isDeepStrictEqual(answer.json(), reply)) continue;
    throw new Error(
      `${of.name}: ${method}(${inspect(args).slice(1, -1)}) answers ${answer.status} ${answer.text}, not ${JSON.stringify(reply)}`,
    );
  }
}
