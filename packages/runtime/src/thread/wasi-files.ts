import type { WASI } from "node:wasi";

/**
 * Node refuses `fsync`, `fdatasync`, `futimes`, `fchmod` and `fchown` under its permissions, because a descriptor does not
 * name the path that it was opened with. WASI has what is missing: it flushes any descriptor that it gets as its standard input,
 * and reads the link in /proc that leads to the file of a descriptor.
 */

/** WASI functions that this module calls. They return 0 or a number of WASI's own. */
interface WasiFunctions {
  readonly fd_sync: (fd: number) => number;
  readonly fd_datasync: (fd: number) => number;
  readonly path_readlink: (...numbers: number[]) => number;
}

/** WASI's numbers of errors that a flush can have (wasi_snapshot_preview1). Others become EIO: the data may be lost. */
const WASI_ERRORS: Readonly<Record<number, readonly [code: string, errno: number]>> = {
  8: ["EBADF", -9],
  28: ["EINVAL", -22],
  51: ["ENOSPC", -28],
  76: ["EINVAL", -22],
};
/** WASI has no such function for this kind of file. */
const NOT_CAPABLE = 76;
const WASI_EIO = ["EIO", -5] as const;

/** Places in WASI's memory: the name of a descriptor, the length of what its link leads to, and the text of that. */
const NAME_AT = 0;
const LENGTH_AT = 32;
const TEXT_AT = 64;
const PATH_BYTES_MAX = 4_096;
const WASM_PAGES = 1;
/** WASI's number of the first folder that it opens. */
const FIRST_FOLDER = 3;

interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => WasmMemory;
};

let memory: WasmMemory | undefined;
let links: WasiFunctions | undefined;

/** Writes a file's data, and what describes it, to the disk, as fsync(2) does. Blocks until it is written. */
export function flush(fd: number, syscall: "fsync" | "fdatasync"): void {
  let result: number;
  try {
    const wasi = start({ stdin: fd, stdout: fd, stderr: fd });
    result = syscall === "fsync" ? wasi.fd_sync(0) : wasi.fd_datasync(0);
    // A folder, which it only flushes completely.
    if (result === NOT_CAPABLE) result = wasi.fd_sync(0);
  } catch (error) {
    result = error instanceof Error && "errno" in error ? Number(error.errno) : -1;
  }
  if (result === 0) return;
  const [code, errno] = WASI_ERRORS[result] ?? WASI_EIO;
  throw Object.assign(new Error(`${code}: the file cannot be flushed, ${syscall}`), {
    code,
    errno,
    syscall,
  });
}

/** The path of an open file now, after all renames. @throws Error EBADF when the descriptor has none. */
export function pathOf(fd: number, syscall: string): string {
  links ??= start({ preopens: { "/": "/proc/self/fd" } });
  const name = Buffer.from(String(fd));
  const bytes = Buffer.from(wasmMemory().buffer);
  bytes.set(name, NAME_AT);
  const result = links.path_readlink(
    FIRST_FOLDER,
    NAME_AT,
    name.length,
    TEXT_AT,
    PATH_BYTES_MAX,
    LENGTH_AT,
  );
  const path = bytes.subarray(TEXT_AT, TEXT_AT + bytes.readUInt32LE(LENGTH_AT)).toString();
  if (result === 0 && path.startsWith("/")) return path;
  const fields = { code: "EBADF", errno: -9, syscall };
  throw Object.assign(new Error(`EBADF: bad file descriptor, ${syscall}`), fields);
}

function start(options: Partial<ConstructorParameters<typeof WASI>[0]>): WasiFunctions {
  const wasi = new (process.getBuiltinModule("wasi").WASI)({ version: "preview1", ...options });
  wasi.initialize({ exports: { memory: wasmMemory() } });
  const functions: unknown = wasi.wasiImport;
  return functions as WasiFunctions;
}

function wasmMemory(): WasmMemory {
  memory ??= new WebAssembly.Memory({ initial: WASM_PAGES });
  return memory;
}
