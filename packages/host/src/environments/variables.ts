import { LeverError, type VariableListing } from "@leveros/protocol";
import type { Store, VariableRecord } from "../store/store.ts";
import type { SecretBox } from "./secret-box.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const VALUE_LENGTH_MAX = 32_768;
/** In one environment, over all its services. */
const VARIABLES_MAX = 10_000;

/** The variables and secrets that are set for services, beside what Lever itself tells them. */
export class Variables {
  readonly #store: Store;
  readonly #box: SecretBox;

  constructor(store: Store, box: SecretBox) {
    this.#store = store;
    this.#box = box;
  }

  /**
   * What an instance of a service sees: those of its environment, and its own, which win.
   * @throws LeverError when a secret cannot be opened.
   */
  async of(environment: string, service: string): Promise<Record<string, string>> {
    const seen: Record<string, string> = {};
    // Those of the environment come first.
    for (const record of await this.#store.variables(environment)) {
      if (record.service !== "" && record.service !== service) continue;
      seen[record.name] = record.isSecret
        ? this.#box.open(record.value, placeOf(record))
        : record.value;
    }
    return seen;
  }

  /** `service` `""` = every service of the environment. @throws LeverError for a name or a value that cannot be. */
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
    const kept = isSecret ? this.#box.seal(value, placeOf(place)) : value;
    await this.#store.putVariable({
      ...place,
      value: kept,
      isSecret,
      setAt: new Date().toISOString(),
    });
  }

  /** @throws LeverError when there is none. */
  async unset(environment: string, service: string, name: string): Promise<void> {
    if (await this.#store.removeVariable(environment, service, name)) return;
    const where = service === "" ? environment : `${service} in ${environment}`;
    throw new LeverError("malformed_request", `There is no variable ${name} for ${where}.`);
  }

  /** Values of secrets are never told. */
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
