import type { SetVariables } from "../fleet/instance-spec.ts";
import type { Development } from "../launcher/launcher.ts";

/** How a host runs services whose sources are on this machine and change. Their versions are not stored. */
export interface DevelopmentOptions extends Development {
  /** Variables of a service besides those that are set. */
  readonly variablesOf: (service: string) => Readonly<Record<string, string>>;
  /** Options of Node for the processes of a service, such as those of a debugger; undefined = none. */
  readonly nodeOptionsOf: (service: string) => Promise<string | undefined>;
}

/** The variables of a service that is being developed: what is set for it wins. */
export async function developedVariables(
  { all, secrets }: SetVariables,
  service: string,
  { variablesOf, nodeOptionsOf }: DevelopmentOptions,
): Promise<SetVariables> {
  const nodeOptions = await nodeOptionsOf(service);
  return { all: { ...variablesOf(service), ...all }, secrets, ...(nodeOptions && { nodeOptions }) };
}
