// The database behind the notes. It is private: only services of the same environment reach it. `notes` has already
// checked the arguments.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The most notes in one reply. */
const NOTES_MAX = 100;

const folder = process.env.LEVEROS_DATA_DIR;
if (folder === undefined) {
  throw new Error(
    "Cannot open the notes: LEVEROS_DATA_DIR is not set. Lever sets it for services.",
  );
}

// During a deploy the old and the new instance both run. The timeout is how long one waits for the other's write.
const database = new DatabaseSync(join(folder, "notes.db"), { timeout: 5_000 });
database.exec(`
  PRAGMA journal_mode = WAL;

  CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    addedAt TEXT NOT NULL
  ) STRICT;

  CREATE VIRTUAL TABLE IF NOT EXISTS notesText USING fts5 (
    text, content = 'notes', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
  );
  CREATE TRIGGER IF NOT EXISTS noteInserted AFTER INSERT ON notes BEGIN
    INSERT INTO notesText (rowid, text) VALUES (new.id, new.text);
  END;
  CREATE TRIGGER IF NOT EXISTS noteDeleted AFTER DELETE ON notes BEGIN
    INSERT INTO notesText (notesText, rowid, text) VALUES ('delete', old.id, old.text);
  END;
`);
process.on("exit", () => database.close());

const statements = {
  insert: database.prepare("INSERT INTO notes (text, addedAt) VALUES (?, ?)"),
  newest: database.prepare("SELECT id, text, addedAt FROM notes ORDER BY id DESC LIMIT ?"),
  find: database.prepare("SELECT id, text, addedAt FROM notes WHERE id = ?"),
  remove: database.prepare("DELETE FROM notes WHERE id = ?"),
  search: database.prepare(`
    SELECT notes.id, notes.text, notes.addedAt
    FROM notesText JOIN notes ON notes.id = notesText.rowid
    WHERE notesText MATCH ? ORDER BY rank LIMIT ?
  `),
};

/** Stores a note and returns its id. */
export function insert(text) {
  return statements.insert.run(text, new Date().toISOString()).lastInsertRowid;
}

export function newest() {
  return statements.newest.all(NOTES_MAX);
}

/** Returns the note, or null. */
export function find(id) {
  return statements.find.get(id) ?? null;
}

/** Returns whether the note existed. */
export function remove(id) {
  return statements.remove.run(id).changes > 0;
}

/** Returns notes that contain all words or prefixes; the best match first. */
export function search(words) {
  // Quoted, so that no word is an operator of the query language.
  const terms = words.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  if (terms.length === 0) return [];
  return statements.search.all(terms.map((term) => `"${term}"*`).join(" "), NOTES_MAX);
}
