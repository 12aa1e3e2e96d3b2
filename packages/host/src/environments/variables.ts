import { LeverError, type VariableListing } from "@leveros/protocol";
import { type Clock, isoTime } from "../clock.ts";
import type { SetVariables } from "../fleet/instance-spec.ts";
import { refuseVariable } from "../fleet/start-variables.ts";
import type { State } from "../state/state.ts";
import { variablesKey } from "../store/change.ts";
import type { Store, VariableRecord } from "../store/store.ts";
import { SecretBox } from "./secret-box.ts";
import { findExcess, type VariableLimits, type VariableSize } from "./variable-sizes.ts";

/** Seals secrets for their places. */
export type SecretSeal = Pick<SecretBox, "seal" | "open">;

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const NAME_SHOWN_MAX = 300;
/** The kernel gives a program no variable of more than 128 KiB (execve(2)). A character is up to 3 bytes. */
const VALUE_LENGTH_MAX = 32_768;
/** In one environment, of all its services. */
const VARIABLES_MAX = 10_000;

/** The variables and secrets of services, without the variables that Lever itself sets. */
export class Variables {
  readonly #store: Store;
  readonly #state: State;
  readonly #box: SecretSeal;
  readonly #clock: Clock;
  readonly #limits: VariableLimits;

  constructor(options: {
    store: Store;
    state: State;
    box: SecretSeal;
    clock: Clock;
    limits: VariableLimits;
  }) {
    this.#store = options.store;
    this.#state = options.state;
    this.#box = options.box;
    this.#clock = options.clock;
    this.#limits = options.limits;
  }

  /**
   * The variables of a service: those of its environment, overridden by its own.
   * @throws LeverError `unavailable` when a secret cannot be opened.
   */
  async of(environment: string, service: string): Promise<SetVariables> {
    const all: Record<string, string> = {};
    const secrets: Record<string, string> = {};
    // The store returns those of the environment first.
    for (const record of await this.#store.variables(environment)) {
      if (record.service !== "" && record.service !== service) continue;
      const { name, value, isSecret } = record;
      const opened = isSecret ? this.#box.open(value, placeOf(record)) : value;
      all[name] = opened;
      if (isSecret) secrets[name] = opened;
      else delete secrets[name];
    }
    return { all, secrets };
  }

  /**
   * Sets all of `values`, or none. `service` `""` = every service of the environment.
   * @throws LeverError `malformed_request` for a name or value that is not allowed; `overloaded` when there are too many.
   */
  async set(
    place: { environment: string; service: string },
    values: Readonly<Record<string, string>>,
    isSecret: boolean,
  ): Promise<void> {
    const { environment } = place;
    for (const [name, value] of Object.entries(values)) {
      checkVariable(name, value);
      if (isSecret && value === "") throw emptySecret(name);
    }
    await this.#state.change(variablesKey(environment), async () => {
      const records = await this.#decide(place, values, isSecret);
      return { kind: "variablesSet", environment, records };
    });
  }

  /** @throws LeverError `conflict` when the environment would have too many variables, or too large ones. */
  async #decide(
    place: { environment: string; service: string },
    values: Readonly<Record<string, string>>,
    isSecret: boolean,
  ): Promise<readonly VariableRecord[]> {
    const { environment, service } = place;
    const setAt = isoTime(this.#clock.wallTime());
    const known = await this.#store.variables(environment);
    const isReplaced = (record: VariableRecord): boolean =>
      record.service === service && Object.hasOwn(values, record.name);
    const mayCreateKey = !(await this.#hasSecretsBeside(environment, isReplaced));
    const records = Object.entries(values).map(([name, value]): VariableRecord => {
      const stored = isSecret
        ? this.#box.seal(value, placeOf({ ...place, name }), { mayCreateKey })
        : value;
      return { environment, service, name, value: stored, isSecret, setAt };
    });
    const all = [...known.filter((record) => !isReplaced(record)), ...records];
    const tooMany =
      all.length > VARIABLES_MAX
        ? `${environment} would have ${all.length} variables; allowed are at most ${VARIABLES_MAX}.`
        : findExcess(all.map(sizeOf), service, this.#limits);
    if (tooMany !== undefined) {
      throw new LeverError("conflict", `Cannot set ${describeNames(values)}: ${tooMany}`);
    }
    return records;
  }

  async #hasSecretsBeside(
    environment: string,
    isReplaced: (record: VariableRecord) => boolean,
  ): Promise<boolean> {
    const secrets = await this.#store.secrets(VARIABLES_MAX);
    return secrets.some((record) => record.environment !== environment || !isReplaced(record));
  }

  /**
   * Opens the stored secrets, or the first 10,000 of them. Returns how many cannot be opened, and the reason of the first;
   * undefined = all can.
   */
  async findUnreadable(): Promise<{ secrets: number; reason: string } | undefined> {
    let found: { secrets: number; reason: string } | undefined;
    for (const record of await this.#store.secrets(VARIABLES_MAX)) {
      try {
        this.#box.open(record.value, placeOf(record));
      } catch (error) {
        if (!(error instanceof LeverError)) throw error;
        found = { secrets: (found?.secrets ?? 0) + 1, reason: found?.reason ?? error.message };
      }
    }
    return found;
  }

  /** @throws LeverError `not_found` when there is no such variable. */
  async unset(environment: string, service: string, name: string): Promise<void> {
    await this.#state.change(variablesKey(environment), async () => {
      const known = await this.#store.variables(environment);
      if (!known.some((record) => record.service === service && record.name === name)) {
        const where = service === "" ? environment : `${service} in ${environment}`;
        throw new LeverError("not_found", `There is no variable ${name} for ${where}.`);
      }
      return { kind: "variableRemoved", environment, service, name };
    });
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
export const placeOf = ({ environment, service, name }: Place): string =>
  `${environment}/${service}/${name}`;

function sizeOf({ service, name, value, isSecret }: VariableRecord): VariableSize {
  const bytes = isSecret ? SecretBox.bytesOf(value) : Buffer.byteLength(value);
  return { service, name, bytes: bytes + Buffer.byteLength(name) };
}

const NAMES_SHOWN_MAX = 3;

function describeNames(values: Readonly<Record<string, string>>): string {
  const names = Object.keys(values);
  return names.length <= NAMES_SHOWN_MAX ? names.join(", ") : `${names.length} variables`;
}

/** Scripts whose input is missing would otherwise replace a secret by nothing. */
function emptySecret(name: string): LeverError {
  return new LeverError(
    "malformed_request",
    `Cannot set the secret ${name}: its value is empty. To remove a secret, unset it.`,
  );
}

function checkVariable(name: string, value: string): void {
  if (!NAME.test(name)) {
    throw new LeverError(
      "malformed_request",
      `Cannot set ${JSON.stringify(name.slice(0, NAME_SHOWN_MAX))}: allowed are letters, digits and _, at most 255, and no digit first.`,
    );
  }
  if (name.startsWith("LEVEROS_")) {
    throw new LeverError("malformed_request", `Cannot set ${name}: Lever itself sets it.`);
  }
  if (value.length > VALUE_LENGTH_MAX || value.includes("\0")) {
    throw new LeverError(
      "malformed_request",
      `Cannot set ${name}: allowed is a text of at most ${VALUE_LENGTH_MAX} characters, none of them NUL.`,
    );
  }
  const refused = refuseVariable(name, value);
  if (refused !== undefined) {
    throw new LeverError("malformed_request", `Cannot set ${name}: ${refused}`);
  }
}
