import { LeverError, type VariableListing } from "@leveros/protocol";
import { type Clock, isoTime } from "../clock.ts";
import type { Store, VariableRecord } from "../store/store.ts";
import type { SecretBox } from "./secret-box.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const VALUE_LENGTH_MAX = 32_768;
/** In one environment, of all its services. */
const VARIABLES_MAX = 10_000;

/** The variables and secrets of services, without the variables that Lever itself sets. */
export class Variables {
  readonly #store: Store;
  readonly #box: SecretBox;
  readonly #clock: Clock;

  constructor(options: { store: Store; box: SecretBox; clock: Clock }) {
    this.#store = options.store;
    this.#box = options.box;
    this.#clock = options.clock;
  }

  /**
   * The variables of a service: those of its environment, overridden by its own.
   * @throws LeverError `unavailable` when a secret cannot be opened.
   */
  async of(environment: string, service: string): Promise<Record<string, string>> {
    const variables: Record<string, string> = {};
    // The store returns those of the environment first.
    for (const record of await this.#store.variables(environment)) {
      if (record.service !== "" && record.service !== service) continue;
      variables[record.name] = record.isSecret
        ? this.#box.open(record.value, placeOf(record))
        : record.value;
    }
    return variables;
  }

  /**
   * `service` `""` = every service of the environment.
   * @throws LeverError `malformed_request` for a name or value that is not allowed; `overloaded` when there are too many.
   */
  async set(
    place: { environment: string; service: string; name: string },
    value: string,
    isSecret: boolean,
  ): Promise<void> {
    checkName(place.name);
    if (value.length > VALUE_LENGTH_MAX || value.includes("\0")) {
      throw new LeverError(
        "malformed_request",
        `Cannot set ${place.name}: allowed is a text of at most ${VALUE_LENGTH_MAX} characters, none of them NUL.`,
      );
    }
    const known = await this.#store.variables(place.environment);
    if (known.length >= VARIABLES_MAX) {
      throw new LeverError(
        "overloaded",
        `Cannot set ${place.name}: ${place.environment} has ${VARIABLES_MAX} variables already.`,
      );
    }
    const stored = isSecret ? this.#box.seal(value, placeOf(place)) : value;
    await this.#store.putVariable({
      ...place,
      value: stored,
      isSecret,
      setAt: isoTime(this.#clock.wallTime()),
    });
  }

  /** @throws LeverError `malformed_request` when there is no such variable. */
  async unset(environment: string, service: string, name: string): Promise<void> {
    if (await this.#store.removeVariable(environment, service, name)) return;
    const where = service === "" ? environment : `${service} in ${environment}`;
    throw new LeverError("malformed_request", `There is no variable ${name} for ${where}.`);
  }

  /** Without the values of secrets. */
  async list(environment: string): Promise<VariableListing[]> {
    const records = await this.#store.variables(environment);
    return records.map(({ service, name, value, isSecret, setAt }) => ({
      service,
      name,
      value: isSecret ? null : value,
      secret: isSecret,
      setAt,
    }));
  }
}

type Place = Pick<VariableRecord, "environment" | "service" | "name">;

/** The place that a secret is sealed for. Stored secrets depend on its form, so it must not change. */
const placeOf = ({ environment, service, name }: Place): string =>
  `${environment}/${service}/${name}`;

function checkName(name: string): void {
  if (!NAME.test(name)) {
    throw new LeverError(
      "malformed_request",
      `Cannot set ${JSON.stringify(name)}: allowed are letters, digits and _, at most 255, and no digit first.`,
    );
  }
  if (name.startsWith("LEVEROS_")) {
    throw new LeverError("malformed_request", `Cannot set ${name}: Lever itself sets it.`);
  }
}
