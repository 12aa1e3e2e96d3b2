import type { ServiceStream } from "leveros";

/** What everyone in a room hears. */
export interface Said {
  /** undefined: the room itself says who comes and goes. */
  readonly from?: string;
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
}

interface Room {
  readonly members: Map<ServiceStream<string, Said>, string>;
  readonly history: Said[];
}

const HISTORY_MAX = 50;
const NAME_LENGTH_MAX = 40;
const TEXT_LENGTH_MAX = 2_000;
const MEMBERS_MAX = 500;

const rooms = new Map<string, Room>();

/** A room is a resource: it is on one instance at a time, and so is everyone in it. */
export function newResource(roomName: string): void {
  rooms.set(roomName, { members: new Map(), history: [] });
}

/** Nobody has been there for a while. */
export function closeResource(roomName: string): void {
  rooms.delete(roomName);
}

/**
 * Joins a room, which is the resource that the URL names (`/chat/lobby/joinChan`), under a name. Each message sent is
 * said to everyone in the room; each message heard is something said there, beginning with what was said before.
 */
export async function joinChan(
  stream: ServiceStream<string, Said>,
  roomName: string,
  name: string,
): Promise<void> {
  const room = rooms.get(roomName);
  if (room === undefined || typeof name !== "string") {
    throw new Error("Cannot join: /chat/<room>/joinChan takes a name.");
  }
  const shown = name.trim();
  if (shown === "" || shown.length > NAME_LENGTH_MAX) {
    throw new Error(`Cannot join: a name has 1 to ${NAME_LENGTH_MAX} characters.`);
  }
  if (room.members.size >= MEMBERS_MAX) throw new Error("Cannot join: the room is full.");
  for (const said of room.history) stream.write(said);
  room.members.set(stream, shown);
  say(room, { text: `${shown} has come` });
  try {
    for await (const text of stream) {
      if (typeof text !== "string" || text.trim() === "") continue;
      say(room, { from: shown, text: text.slice(0, TEXT_LENGTH_MAX) });
    }
  } finally {
    room.members.delete(stream);
    say(room, { text: `${shown} has left` });
  }
}

/** Who is in a room. */
export function members(roomName: string): string[] {
  return [...(rooms.get(roomName)?.members.values() ?? [])].sort();
}

function say(room: Room, said: Omit<Said, "at">): void {
  const whole = { ...said, at: new Date().toISOString() };
  room.history.push(whole);
  if (room.history.length > HISTORY_MAX) room.history.shift();
  for (const member of [...room.members.keys()]) {
    // Who does not keep up is let go: waiting for one would hold up everyone else.
    if (!member.write(whole)) slow(room, member);
  }
}

const behind = new WeakMap<ServiceStream<string, Said>, number>();
/** Messages that a member may be behind. */
const BEHIND_MAX = 200;

function slow(room: Room, member: ServiceStream<string, Said>): void {
  const count = (behind.get(member) ?? 0) + 1;
  behind.set(member, count);
  if (count === 1) member.on("drain", () => behind.set(member, 0));
  if (count <= BEHIND_MAX) return;
  room.members.delete(member);
  member.destroy(new Error("You were too slow to follow the room."));
}
