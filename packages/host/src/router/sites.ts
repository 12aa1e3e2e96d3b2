import { FETCH_METHOD, type LeverUrl } from "@leveros/protocol";
import { Emitter } from "../emitter.ts";

type Methods = readonly string[];

/**
 * The services that answer HTTP requests by their `fetch`, with the names of their methods. A gateway finds out here whether a
 * request is a call of a method or a page.
 */
export class Sites {
  readonly #byEnvironment = new Map<string, Map<string, Methods>>();

  /** `methods`: all that it has now; undefined = it answers no requests any more. */
  readonly changed: Emitter<{
    readonly environment: string;
    readonly service: string;
    readonly methods: Methods | undefined;
  }> = new Emitter();

  get isEmpty(): boolean {
    return this.#byEnvironment.size === 0;
  }

  /** True when a POST is for the `fetch` of the service, which has no method of this name. */
  takesPost({ environment, service, method }: LeverUrl): boolean {
    const methods = this.methodsOf(environment, service);
    return methods !== undefined && !methods.includes(method);
  }

  /** The methods of a service beside `fetch`; undefined = it has no `fetch`. */
  methodsOf(environment: string, service: string): Methods | undefined {
    // Most hosts have none, and each plain call asks.
    if (this.isEmpty) return undefined;
    return this.#byEnvironment.get(environment)?.get(service);
  }

  /** `methods`: all that the live version has; undefined = not known, or there is no live version. */
  set(environment: string, service: string, methods: Methods | undefined): void {
    const isSite = methods?.includes(FETCH_METHOD) === true;
    const services = this.#byEnvironment.get(environment);
    if (!isSite && services?.has(service) !== true) return;
    const others = isSite ? methods.filter((method) => method !== FETCH_METHOD) : undefined;
    if (others === undefined) {
      services?.delete(service);
      if (services?.size === 0) this.#byEnvironment.delete(environment);
    } else if (services === undefined) {
      this.#byEnvironment.set(environment, new Map([[service, others]]));
    } else services.set(service, others);
    this.changed.emit({ environment, service, methods: isSite ? methods : undefined });
  }

  /** Each service, with all of its methods. */
  *[Symbol.iterator](): Iterator<
    readonly [environment: string, service: string, methods: Methods]
  > {
    for (const [environment, services] of this.#byEnvironment) {
      for (const [service, methods] of services) {
        yield [environment, service, [...methods, FETCH_METHOD]];
      }
    }
  }
}
