/** Memory of a runtime outside of the heap for old objects, in megabytes: its code, and new objects. */
const OUTSIDE_HEAP_MB = 45;
const HEAP_MB_MIN = 16;
/** The heap's part of an instance's memory. The rest is for buffers and for processes that the service starts. */
const HEAP_SHARE = 0.95;
/**
 * Size of each of the three parts of the space for new objects. A larger space does not make garbage collection faster
 * here, and could grow to a third of the default `ram`.
 */
const NEW_SPACE_MB = 4;

/**
 * Flags of Node for a runtime with `ram` megabytes. By default V8 lets garbage grow to a part of the machine's memory; its
 * limits can only be set at the start of a process.
 */
export function nodeFlags(ram: number): string[] {
  return ["--disable-warning=ExperimentalWarning", ...heapFlags(ram, NEW_SPACE_MB)];
}

/**
 * Options of Node for a program with `ram` megabytes of its own. The default space for new objects could grow to 96 MB. With
 * one as small as a runtime's, a gRPC server takes a third more time, because its streams live longer than a collection.
 */
export function programNodeOptions(ram: number): string {
  const newSpaceMb = Math.min(NEW_SPACE_MB * 4, Math.max(NEW_SPACE_MB, Math.floor(ram / 16)));
  return heapFlags(ram, newSpaceMb).join(" ");
}

function heapFlags(ram: number, newSpaceMb: number): string[] {
  const heapMb = Math.max(HEAP_MB_MIN, Math.floor(ram * HEAP_SHARE) - OUTSIDE_HEAP_MB);
  return [`--max-old-space-size=${heapMb}`, `--max-semi-space-size=${newSpaceMb}`];
}

/**
 * Environment variables of a runtime that control glibc's allocator (mallopt(3)). Threads reuse memory that another thread
 * has freed. Up to 8 MB of freed memory stay in the process for the next large body, which otherwise costs a page fault
 * for each 4 kB. The runtime deletes these variables, so that processes which the service starts do not inherit them.
 */
export const nodeVariables: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: String(8 * 1024 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(8 * 1024 * 1024),
};
