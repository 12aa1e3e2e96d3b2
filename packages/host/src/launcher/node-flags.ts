/** Memory of a runtime beside the heap of JavaScript's objects, in megabytes: its program's own, and what is new. */
const BESIDE_HEAP_MB = 45;
const HEAP_MB_MIN = 16;
/** Of the rest: buffers, and what a service starts. */
const HEAP_SHARE = 0.95;
/** Each of three: more makes collecting garbage no faster here, and lets it grow to a third of the usual `ram`. */
const NEW_SPACE_MB = 4;

/**
 * Flags of Node for a runtime whose instance is allotted `ram` megabytes. V8 takes the size of the machine for what it may
 * use unless it is told, and lets garbage grow to that; it can only be told at the start.
 */
export function nodeFlags(ram: number): string[] {
  const heapMb = Math.max(HEAP_MB_MIN, Math.floor(ram * HEAP_SHARE) - BESIDE_HEAP_MB);
  return [
    "--disable-warning=ExperimentalWarning",
    `--max-old-space-size=${heapMb}`,
    `--max-semi-space-size=${NEW_SPACE_MB}`,
  ];
}

/**
 * Of the environment that a runtime is started in, beside its flags: how glibc takes memory. What one thread gave back goes to
 * the others; and the memory of a large body stays for the next one, up to 8 MB, instead of being asked of the system anew,
 * page by page. The runtime takes the variables away, so that they reach nothing that its service starts.
 */
export const nodeVariables: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: String(8 * 1024 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(8 * 1024 * 1024),
};
