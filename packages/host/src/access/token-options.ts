import {
  rights as allRights,
  isJsonObject,
  isRight,
  LeverError,
  type Right,
} from "@leveros/protocol";

const ENVIRONMENTS_MAX = 1_000;
const NOTE_LENGTH_MAX = 200;
/** 300 years. */
const EXPIRES_IN_MS_MAX = 1e13;

/** The token to create. */
export interface TokenOptions {
  /** In lower case; `*` = all. */
  readonly environments: readonly string[];
  readonly rights: readonly Right[];
  /** undefined = never. */
  readonly expiresInMs: number | undefined;
  readonly note: string;
}

/** @throws LeverError `malformed_request` */
export function parseTokenOptions(value: unknown): TokenOptions {
  const given = isJsonObject(value) ? value : {};
  const { environments, rights, expiresInMs, note = "" } = given;
  if (!isListOf(environments, isName) || environments.length > ENVIRONMENTS_MAX) {
    throw refuse('`environments` is not a list of names, or of "*"');
  }
  if (!isListOf(rights, isRight))
    throw refuse(`\`rights\` is not a list of ${allRights.join(", ")}`);
  if (expiresInMs !== undefined && !isDuration(expiresInMs)) {
    throw refuse("`expiresInMs` is not a number of milliseconds above 0");
  }
  if (typeof note !== "string" || note.length > NOTE_LENGTH_MAX) {
    throw refuse(`\`note\` is not a text of at most ${NOTE_LENGTH_MAX} characters`);
  }
  return {
    environments: environments.map((name) => name.toLowerCase()),
    rights,
    expiresInMs,
    note,
  };
}

function refuse(reason: string): LeverError {
  return new LeverError("malformed_request", `Cannot create the token: ${reason}.`);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isListOf<Item>(
  value: unknown,
  isItem: (item: unknown) => item is Item,
): value is readonly [Item, ...Item[]] {
  return Array.isArray(value) && value.length > 0 && value.every(isItem);
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value < EXPIRES_IN_MS_MAX;
}
