import type { ServiceStream } from "leveros";

/** A message to all members of a room. */
export interface RoomMessage {
  /** undefined: the room itself announces who joins and leaves. */
  readonly from?: string;
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
}

interface Room {
  readonly members: Map<ServiceStream<string, RoomMessage>, string>;
  readonly history: RoomMessage[];
}

const HISTORY_MAX = 50;
const NAME_LENGTH_MAX = 40;
const TEXT_LENGTH_MAX = 2_000;
const MEMBERS_MAX = 500;

const rooms = new Map<string, Room>();

/** A room is a resource: it is on one instance at a time, and so are all its members. */
export function newResource(roomName: string): void {
  rooms.set(roomName, { members: new Map(), history: [] });
}

/** The room was not used for a while, or another instance becomes its owner. */
export function closeResource(roomName: string): void {
  rooms.delete(roomName);
}

/**
 * Joins a room under a name. The room is the resource that the URL names (`/chat/lobby/joinChan`). Each message from the
 * caller goes to all members. The caller receives the room's last messages, and then each new one.
 */
export async function joinChan(
  stream: ServiceStream<string, RoomMessage>,
  roomName: string,
  name: string,
): Promise<void> {
  const room = rooms.get(roomName);
  if (room === undefined || typeof name !== "string") {
    throw new Error("Cannot join: /chat/<room>/joinChan takes a name.");
  }
  const displayName = name.trim();
  if (displayName === "" || displayName.length > NAME_LENGTH_MAX) {
    throw new Error(`Cannot join: a name has 1 to ${NAME_LENGTH_MAX} characters.`);
  }
  if (room.members.size >= MEMBERS_MAX) throw new Error("Cannot join: the room is full.");
  for (const message of room.history) stream.write(message);
  room.members.set(stream, displayName);
  broadcast(room, { text: `${displayName} has joined` });
  try {
    for await (const text of stream) {
      if (typeof text !== "string" || text.trim() === "") continue;
      broadcast(room, { from: displayName, text: text.slice(0, TEXT_LENGTH_MAX) });
    }
  } finally {
    room.members.delete(stream);
    broadcast(room, { text: `${displayName} has left` });
  }
}

/** The names of a room's members. */
export function members(roomName: string): string[] {
  return [...(rooms.get(roomName)?.members.values() ?? [])].sort();
}

function broadcast(room: Room, message: Omit<RoomMessage, "at">): void {
  const dated = { ...message, at: new Date().toISOString() };
  room.history.push(dated);
  if (room.history.length > HISTORY_MAX) room.history.shift();
  for (const member of [...room.members.keys()]) {
    // A member that does not keep up is removed: waiting for it would delay all others.
    if (!member.write(dated)) countBehind(room, member);
  }
}

const behind = new WeakMap<ServiceStream<string, RoomMessage>, number>();
/** The most messages that a member may be behind. */
const BEHIND_MAX = 200;

function countBehind(room: Room, member: ServiceStream<string, RoomMessage>): void {
  const count = (behind.get(member) ?? 0) + 1;
  behind.set(member, count);
  if (count === 1) member.on("drain", () => behind.set(member, 0));
  if (count <= BEHIND_MAX) return;
  room.members.delete(member);
  member.destroy(new Error("You were too slow to follow the room."));
}
