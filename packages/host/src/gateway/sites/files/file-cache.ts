import { type FileBytes, type Found, findFile } from "./found-file.ts";

/** Contents of files that a gateway keeps. Each of its processes has its own. */
const CACHE_BYTES_MAX = 16 * 1024 * 1024;
/** Memory of an entry beside its content, roughly. */
const ENTRY_BYTES = 512;
/** Files that are looked up at once. It bounds the memory of those that are being read. */
const LOOKUPS_MAX = 16;

interface Entry {
  readonly folder: string;
  readonly name: string;
  readonly found: Found;
  readonly bytes: number;
  /** It was asked for since it was last passed over. */
  isUsed: boolean;
}

/** Remembers files of sites, and names of which there is no file. Folders of sites never change. */
export class FileCache {
  readonly #folders = new Map<string, Map<string, Entry>>();
  /** The next entry to remove is the first. */
  readonly #entries = new Set<Entry>();
  readonly #lookups = new Map<string, Promise<Found>>();
  readonly #waiting: (() => void)[] = [];
  readonly #find: typeof findFile;
  readonly #bytesMax: number;
  #running = 0;
  #bytes = 0;

  constructor(bytesMax: number = CACHE_BYTES_MAX, find: typeof findFile = findFile) {
    this.#bytesMax = bytesMax;
    this.#find = find;
  }

  /** undefined = it has to be looked up. */
  known(folder: string, name: string): Found | undefined {
    const entry = this.#folders.get(folder)?.get(name);
    if (entry === undefined) return undefined;
    entry.isUsed = true;
    return entry.found;
  }

  /** @throws Error of the system when the file cannot be read. */
  async lookUp(folder: string, name: string): Promise<Found> {
    const key = `${folder}\0${name}`;
    let lookup = this.#lookups.get(key);
    if (lookup === undefined) {
      lookup = this.#inTurn(() => this.#find(folder, name)).finally(() =>
        this.#lookups.delete(key),
      );
      this.#lookups.set(key, lookup);
      const found = await lookup;
      this.#add(folder, name, found);
      return found;
    }
    return await lookup;
  }

  /** A version has been replaced: its files are no longer asked for. */
  clear(): void {
    this.#folders.clear();
    this.#entries.clear();
    this.#bytes = 0;
  }

  #add(folder: string, name: string, found: Found): void {
    let names = this.#folders.get(folder);
    if (names === undefined) {
      names = new Map();
      this.#folders.set(folder, names);
    }
    if (names.has(name)) return;
    const bytes = ENTRY_BYTES + 2 * name.length + contentBytes(found);
    const entry = { folder, name, found, bytes, isUsed: false };
    names.set(name, entry);
    this.#entries.add(entry);
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) this.#removeOldest();
  }

  /** Removes entries that were not asked for lately. */
  #removeOldest(): void {
    for (const entry of this.#entries) {
      this.#entries.delete(entry);
      if (entry.isUsed) {
        entry.isUsed = false;
        this.#entries.add(entry);
        continue;
      }
      const names = this.#folders.get(entry.folder);
      names?.delete(entry.name);
      if (names?.size === 0) this.#folders.delete(entry.folder);
      this.#bytes -= entry.bytes;
      if (this.#bytes <= this.#bytesMax) return;
    }
  }

  async #inTurn(find: () => Promise<Found>): Promise<Found> {
    if (this.#running < LOOKUPS_MAX) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await find();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

function contentBytes(found: Found): number {
  if (found.kind !== "file") return 0;
  const bytesOf = (bytes: FileBytes | undefined): number => bytes?.content?.length ?? 0;
  return bytesOf(found.plain) + bytesOf(found.br) + bytesOf(found.gzip);
}
