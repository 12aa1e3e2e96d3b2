import {
  type InstanceListing,
  isJsonObject,
  LeverError,
  type ServiceListing,
  type SiteListing,
  type VersionListing,
} from "@leveros/protocol";

/**
 * Checks the answer of the admin method listServices.
 * @throws LeverError `unreachable` when it has another form.
 */
export function parseListings(value: unknown): ServiceListing[] {
  if (Array.isArray(value) && value.every(isServiceListing)) return value;
  throw new LeverError(
    "unreachable",
    "Cannot read the list of services: the answer is not from a Lever host.",
  );
}

function isServiceListing(value: unknown): value is ServiceListing {
  return (
    isJsonObject(value) &&
    typeof value["service"] === "string" &&
    typeof value["environment"] === "string" &&
    typeof value["description"] === "string" &&
    typeof value["private"] === "boolean" &&
    typeof value["liveVersion"] === "number" &&
    isListOf(value["methods"], (method) => typeof method === "string") &&
    isListOf(value["versions"], isVersionListing) &&
    isListOf(value["instances"], isInstanceListing) &&
    (value["site"] === undefined || isSiteListing(value["site"]))
  );
}

function isSiteListing(value: unknown): value is SiteListing {
  return (
    isJsonObject(value) &&
    isListOf(value["routes"], (route) => typeof route === "string") &&
    isTextOrAbsent(value["hostName"]) &&
    isTextOrAbsent(value["files"])
  );
}

function isVersionListing(value: unknown): value is VersionListing {
  return (
    isJsonObject(value) &&
    typeof value["version"] === "number" &&
    isTime(value["deployedAt"]) &&
    typeof value["archiveBytes"] === "number" &&
    typeof value["unpackedBytes"] === "number"
  );
}

function isInstanceListing(value: unknown): value is InstanceListing {
  return (
    isJsonObject(value) &&
    typeof value["instance"] === "string" &&
    typeof value["version"] === "number" &&
    typeof value["state"] === "string" &&
    typeof value["callsInFlight"] === "number" &&
    isTime(value["startedAt"])
  );
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

function isListOf(value: unknown, accepts: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(accepts);
}
