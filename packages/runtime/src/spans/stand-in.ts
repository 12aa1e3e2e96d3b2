import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where all copies of the API, from version 1 on, find what was registered. */
const GLOBAL = Symbol.for("opentelemetry.js.api.1");
const PACKAGE = "/@opentelemetry/api/";

/** The names of the API for a tracer provider, a context manager and a propagator. */
type Part = "trace" | "context" | "propagation";
const PARTS: readonly Part[] = ["trace", "context", "propagation"];

/**
 * Stands where a service's own OpenTelemetry SDK would register itself, until it does. The API registers a part by these steps:
 * it writes the global object back, reads the part, which must be empty, and the version, which must be its own, and
 * writes the part.
 */
export class StandIn {
  readonly #parts: Readonly<Record<Part, object>>;
  /** By the folder of the package. A service may have several. */
  readonly #versions = new Map<string, string>();
  readonly #api: Record<string, unknown> = {};
  #isRegistering = false;
  /** The version of the package that has registered something last. */
  #registered: string | undefined;
  #hasLeft = false;

  constructor(parts: Readonly<Record<Part, object>>) {
    this.#parts = parts;
  }

  /** The service has an SDK of its own. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** The part that the service has registered itself. */
  registered(part: Part): unknown {
    return this.#hasLeft ? this.#api[part] : undefined;
  }

  /** A module of the API is loaded from this URL. */
  onResolved(url: string): void {
    const end = url.lastIndexOf(PACKAGE);
    if (end === -1 || !url.startsWith("file:")) return;
    const folder = fileURLToPath(url.slice(0, end + PACKAGE.length));
    if (this.#versions.has(folder)) return;
    const { version } = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as {
      version?: unknown;
    };
    if (typeof version !== "string" || !version.startsWith("1.")) return;
    this.#versions.set(folder, version);
    if (this.#versions.size === 1) this.#install();
  }

  #install(): void {
    // An SDK that is bundled may have come first.
    if (GLOBAL in globalThis) {
      this.#hasLeft = true;
      return;
    }
    Object.defineProperty(this.#api, "version", {
      configurable: true,
      enumerable: true,
      get: () => this.#version(),
    });
    for (const part of PARTS) this.#place(part);
    Object.defineProperty(globalThis, GLOBAL, {
      configurable: true,
      get: () => this.#api,
      set: (value: unknown) => {
        if (value === this.#api) this.#isRegistering = true;
        else this.#leave(value);
      },
    });
  }

  #place(part: Part): void {
    Object.defineProperty(this.#api, part, {
      configurable: true,
      enumerable: true,
      get: () => (this.#isRegistering ? undefined : this.#parts[part]),
      set: (value: unknown) => {
        // A propagator alone is no SDK.
        if (part !== "propagation") this.#leave(this.#api);
        Object.defineProperty(this.#api, part, plain(value));
      },
    });
  }

  /** The parts that stand in for others are removed. */
  #leave(api: unknown): void {
    this.#hasLeft = true;
    for (const part of PARTS) {
      const { get } = Object.getOwnPropertyDescriptor(this.#api, part) ?? {};
      if (get !== undefined) delete this.#api[part];
    }
    Object.defineProperty(this.#api, "version", plain(this.#registered ?? this.#newest));
    Object.defineProperty(globalThis, GLOBAL, plain(api));
  }

  /** The newest one is compatible with the others. To register something, a package must find its own. */
  #version(): string {
    if (!this.#isRegistering) return this.#newest;
    this.#isRegistering = false;
    const { stack = "" } = new Error();
    const found = [...this.#versions].find(([folder]) => stack.includes(folder));
    this.#registered = found?.[1] ?? this.#newest;
    return this.#registered;
  }

  get #newest(): string {
    return [...this.#versions.values()].sort(byVersion).at(-1) ?? "";
  }
}

const plain = (value: unknown): PropertyDescriptor => ({
  configurable: true,
  enumerable: true,
  writable: true,
  value,
});

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
