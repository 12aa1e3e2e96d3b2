import { Client } from "leveros";

export interface Note {
  readonly id: number;
  readonly text: string;
  /** ISO 8601. */
  readonly addedAt: string;
}

/** Enough for a page of text. */
const NOTE_LENGTH_MAX = 10_000;

const client = new Client();

/** Stores a note and returns its id. */
export async function add(text: string): Promise<number> {
  if (typeof text !== "string" || text.trim() === "") {
    throw new Error("Cannot add the note: it has no text.");
  }
  if (text.length > NOTE_LENGTH_MAX) {
    throw new Error(
      `Cannot add the note: it has ${text.length} characters, the most is ${NOTE_LENGTH_MAX}.`,
    );
  }
  return (await client.invokeURL("/notesStorage/insert", text)) as number;
}

/** Returns the newest notes, at most 100. */
export async function list(): Promise<Note[]> {
  return (await client.invokeURL("/notesStorage/newest")) as Note[];
}

export async function get(id: number): Promise<Note> {
  requireId(id);
  const note = (await client.invokeURL("/notesStorage/find", id)) as Note | null;
  if (note === null) throw new Error(`There is no note ${id}.`);
  return note;
}

/** Deletes a note. Returns false if there is none with that id. */
export async function remove(id: number): Promise<boolean> {
  requireId(id);
  return (await client.invokeURL("/notesStorage/remove", id)) as boolean;
}

/** Returns notes that contain all these words or prefixes; the best match first, at most 100. */
export async function search(words: string): Promise<Note[]> {
  if (typeof words !== "string") throw new Error("Cannot search: the words are not a string.");
  return (await client.invokeURL("/notesStorage/search", words)) as Note[];
}

function requireId(id: unknown): void {
  if (typeof id === "number" && Number.isSafeInteger(id) && id > 0) return;
  throw new Error(`Cannot look for note ${JSON.stringify(id)}: ids are 1, 2, 3 and so on.`);
}
