import { serviceKey } from "@leveros/protocol";

/** A host that owned a resource when it was last asked for. */
export interface OwnerHint {
  readonly host: string;
  readonly incarnation: number;
}

/** A service in an environment. */
export interface ServiceName {
  readonly environment: string;
  readonly service: string;
}

/** Hosts that own resources, as this host remembers them. A forgotten one costs a redirect, and no promise. */
export class OwnerHints {
  readonly #max: number;
  readonly #hints = new Map<string, OwnerHint>();

  constructor(max: number) {
    this.#max = max;
  }

  get(route: ServiceName, resource: string): OwnerHint | undefined {
    return this.#hints.get(keyOf(route, resource));
  }

  set(route: ServiceName, resource: string, hint: OwnerHint): void {
    const key = keyOf(route, resource);
    // The oldest comes first.
    this.#hints.delete(key);
    this.#hints.set(key, hint);
    if (this.#hints.size <= this.#max) return;
    for (const oldest of this.#hints.keys()) {
      this.#hints.delete(oldest);
      return;
    }
  }

  forget(route: ServiceName, resource: string): void {
    this.#hints.delete(keyOf(route, resource));
  }
}

/** No name of an environment or a service has a slash. */
function keyOf({ environment, service }: ServiceName, resource: string): string {
  return `${serviceKey(environment, service)}/${resource}`;
}
