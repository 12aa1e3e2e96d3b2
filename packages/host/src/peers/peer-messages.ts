import type { Declined } from "@leveros/protocol";

/** The places that a service has on a host. */
export interface ToldPlaces {
  readonly environment: string;
  readonly service: string;
  /** Regular calls that its instances would take. undefined = it has no instance. */
  readonly free: number | undefined;
}

/** A control message between two hosts. */
export type PeerMessage =
  | { readonly type: "places"; readonly services: readonly ToldPlaces[] }
  /** A call of the other side was declined. Its ABORT follows. */
  | { readonly type: "declined"; readonly call: number; readonly declined: Declined };

/** @throws Error for a message that no host sends. The link is then closed. */
export function parsePeerMessage(message: unknown): PeerMessage {
  const { type, services, call, declined } = fieldsOf(message);
  if (type === "places" && Array.isArray(services)) {
    return { type, services: services.map(parsePlaces) };
  }
  if (type === "declined" && typeof call === "number") {
    return { type, call, declined: parseDeclined(declined) };
  }
  throw new Error("Cannot read a control message: it is none that a host sends.");
}

function parsePlaces(told: unknown): ToldPlaces {
  const { environment, service, free } = fieldsOf(told);
  if (typeof environment === "string" && typeof service === "string") {
    if (free === undefined || typeof free === "number") return { environment, service, free };
  }
  throw new Error("Cannot read the places of a host: they name no service.");
}

function parseDeclined(declined: unknown): Declined {
  const { reason, owner } = fieldsOf(declined);
  if (reason === "busy") return { reason };
  const { host, incarnation } = fieldsOf(owner ?? {});
  if (reason === "not owner") {
    const isKnown = typeof host === "string" && typeof incarnation === "number";
    return { reason, owner: isKnown ? { host, incarnation } : undefined };
  }
  throw new Error("Cannot read why a host declined a call: there is no such reason.");
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new Error("Cannot read a control message: it is no object.");
}
