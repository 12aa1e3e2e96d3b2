import type {
  AuditEntry,
  CreatedToken,
  EnvironmentListing,
  HostEvent,
  InstancesReport,
  LimitListing,
  NetworkPolicy,
  RestartReport,
  Right,
  RollbackReport,
  ScalingReport,
  TokenListing,
  VariableListing,
} from "@leveros/protocol";
import { LeverError } from "@leveros/protocol";
import { CommandError, exitStatus } from "./exit-status.ts";
import type { Settings } from "./settings.ts";

/** The methods of the admin service that commands call. */
interface AdminMethods {
  listServices(environment: string): unknown;
  listInstances(environment: string, service?: string): InstancesReport;
  explainService(environment: string, service: string): ScalingReport;
  explainInstance(environment: string, instance: string): HostEvent[];
  listEvents(environment: string, service?: string): HostEvent[];
  rollBackService(environment: string, service: string, version?: number): RollbackReport;
  setVariable(
    environment: string,
    service: string,
    name: string,
    value: string,
    options: { secret: boolean },
  ): RestartReport;
  unsetVariable(environment: string, service: string, name: string): RestartReport;
  listVariables(environment: string): VariableListing[];
  createEnvironment(environment: string): void;
  removeEnvironment(environment: string, options: { force: boolean }): void;
  listEnvironments(): EnvironmentListing[];
  setPublic(environment: string, isPublic: boolean): void;
  setNetwork(environment: string, network: NetworkPolicy): void;
  createToken(options: {
    environments: readonly string[];
    rights: readonly Right[];
    expiresInMs?: number;
    note?: string;
  }): CreatedToken;
  listTokens(): TokenListing[];
  revokeToken(id: string): void;
  listAudit(): AuditEntry[];
  listLimits(): LimitListing[];
}

/**
 * Calls a method of the admin service.
 * @throws CommandError with exit status 3 when the method fails; LeverError for any other failure of the call.
 */
export async function callAdmin<Name extends keyof AdminMethods>(
  { host, token }: Settings,
  method: Name,
  ...args: Parameters<AdminMethods[Name]>
): Promise<ReturnType<AdminMethods[Name]>> {
  const { Client } = await import("leveros");
  try {
    // The edge where the host's answer is trusted to have the form that its method promises.
    return (await new Client({ forceHost: host, token })
      .service("admin.lever", "admin")
      .invoke(method, ...args)) as ReturnType<AdminMethods[Name]>;
  } catch (error) {
    if (!(error instanceof LeverError) || error.code !== "method_failed") throw error;
    // The method belongs to Lever: its failure is Lever's, and not that of a service.
    const reason = typeof error.value === "string" ? error.value : JSON.stringify(error.value);
    throw new CommandError(exitStatus.lever, reason, { cause: error });
  }
}
