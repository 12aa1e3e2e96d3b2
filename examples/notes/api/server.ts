import { Client } from "leveros";

export interface Note {
  readonly id: number;
  readonly text: string;
  /** ISO 8601. */
  readonly addedAt: string;
}

/** Enough for a page of text; what is longer is a document. */
const NOTE_LENGTH_MAX = 10_000;

const client = new Client();

/** Keeps a note, and says under which id. */
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

/** The newest notes, at most a hundred. */
export async function list(): Promise<Note[]> {
  return (await client.invokeURL("/notesStorage/newest")) as Note[];
}

export async function get(id: number): Promise<Note> {
  requireId(id);
  const note = (await client.invokeURL("/notesStorage/find", id)) as Note | null;
  if (note === null) throw new Error(`There is no note ${id}.`);
  return note;
}

/** Forgets a note. False = there was none of that id. */
export async function remove(id: number): Promise<boolean> {
  requireId(id);
  return (await client.invokeURL("/notesStorage/remove", id)) as boolean;
}

/** Notes that have every one of these words, or words that begin so; the best first, at most a hundred. */
export async function search(words: string): Promise<Note[]> {
  if (typeof words !== "string") throw new Error("Cannot search: the words are not a string.");
  return (await client.invokeURL("/notesStorage/search", words)) as Note[];
}

function requireId(id: unknown): void {
  if (typeof id === "number" && Number.isSafeInteger(id) && id > 0) return;
  throw new Error(`Cannot look for note ${JSON.stringify(id)}: ids are 1, 2, 3 and so on.`);
}
