import { LeverError } from "@leveros/protocol";

export function parseEnvironment(value: unknown): string {
  if (typeof value === "string" && value !== "") return value.toLowerCase();
  throw new LeverError(
    "malformed_request",
    `Cannot read the environment: found is ${JSON.stringify(value) ?? "nothing"}; allowed is its name.`,
  );
}

export function parseService(value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new LeverError(
    "malformed_request",
    `Cannot read the service: found is ${JSON.stringify(value) ?? "nothing"}; allowed is its name.`,
  );
}

export function unknownEnvironment(environment: string): LeverError {
  return new LeverError("unknown_environment", `There is no environment ${environment}.`);
}
