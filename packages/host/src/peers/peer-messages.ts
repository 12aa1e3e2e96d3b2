import type { Declined } from "@leveros/protocol";

/** The places that a service has on a host. */
export interface ToldPlaces {
  readonly environment: string;
  readonly service: string;
  /** Regular calls that its instances would take. undefined = it has no instance. */
  readonly free: number | undefined;
  /** undefined = it has neither calls nor instances. */
  readonly load?: ToldLoad | undefined;
}

/** The load of a service on a host. */
export interface ToldLoad {
  readonly callsInFlight: number;
  readonly callsWaiting: number;
  readonly running: number;
  readonly callsPassedOn: number;
  /** Since its last call ended or was assigned. */
  readonly idleMs: number;
  /** Instances that its home host wants there; undefined = it has told nothing yet. */
  readonly told?: number | undefined;
}

/** The memory of a host for instances, in megabytes. */
export interface ToldRoom {
  readonly ramMax: number;
  readonly ramReserved: number;
  readonly restrictsNetworks: boolean;
}

/** The instances that a home host wants on the host that gets the message. */
export interface ToldWanted {
  /** `serviceKey` */
  readonly service: string;
  readonly wanted: number;
}

/** A control message between two hosts. */
export type PeerMessage =
  | {
      readonly type: "places";
      readonly services: readonly ToldPlaces[];
      /** Absent = as before. */
      readonly room?: ToldRoom | undefined;
      readonly wanted?: readonly ToldWanted[] | undefined;
    }
  /** The host takes new work, or none any more. The first message of a link. */
  | { readonly type: "taking"; readonly isTaking: boolean }
  /** Another host is about to make a version live. This one starts an instance of it, if it can, and answers. */
  | { readonly type: "prepare"; readonly number: number; readonly version: object }
  | { readonly type: "prepared"; readonly number: number }
  /** A call of the other side was declined. Its ABORT follows. */
  | { readonly type: "declined"; readonly call: number; readonly declined: Declined };

/** @throws Error for a message that no host sends. The link is then closed. */
export function parsePeerMessage(message: unknown): PeerMessage {
  const { type, services, room, wanted, isTaking, number, version, call, declined } =
    fieldsOf(message);
  if (type === "places" && Array.isArray(services)) {
    return {
      type,
      services: services.map(parsePlaces),
      ...(room !== undefined && { room: parseRoom(room) }),
      ...(Array.isArray(wanted) && { wanted: wanted.map(parseWanted) }),
    };
  }
  if (type === "taking" && typeof isTaking === "boolean") return { type, isTaking };
  if (type === "prepare" && typeof number === "number") {
    return { type, number, version: fieldsOf(version) };
  }
  if (type === "prepared" && typeof number === "number") return { type, number };
  if (type === "declined" && typeof call === "number") {
    return { type, call, declined: parseDeclined(declined) };
  }
  throw new Error("Cannot read a control message: it is none that a host sends.");
}

function parsePlaces(told: unknown): ToldPlaces {
  const { environment, service, free, load } = fieldsOf(told);
  if (typeof environment === "string" && typeof service === "string") {
    if (free === undefined || typeof free === "number") {
      return { environment, service, free, ...(load !== undefined && { load: parseLoad(load) }) };
    }
  }
  throw new Error("Cannot read the places of a host: they name no service.");
}

/** Hosts believe each other only so far: numbers are counts. */
function countOf(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < Number.MAX_SAFE_INTEGER) return value;
  throw new Error("Cannot read a control message: a number is no count.");
}

function parseLoad(load: unknown): ToldLoad {
  const { callsInFlight, callsWaiting, running, callsPassedOn, idleMs, told } = fieldsOf(load);
  return {
    callsInFlight: countOf(callsInFlight),
    callsWaiting: countOf(callsWaiting),
    running: countOf(running),
    callsPassedOn: countOf(callsPassedOn),
    idleMs: countOf(idleMs),
    ...(told !== undefined && { told: countOf(told) }),
  };
}

function parseRoom(room: unknown): ToldRoom {
  const { ramMax, ramReserved, restrictsNetworks } = fieldsOf(room);
  return {
    ramMax: countOf(ramMax),
    ramReserved: countOf(ramReserved),
    restrictsNetworks: restrictsNetworks === true,
  };
}

function parseWanted(told: unknown): ToldWanted {
  const { service, wanted } = fieldsOf(told);
  if (typeof service !== "string") throw new Error("Cannot read what a host wants: of no service.");
  return { service, wanted: Math.floor(countOf(wanted)) };
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
