import { isJsonObject, LeverError, type WatchedMethod } from "@leveros/protocol";

/** Methods of one caller. */
const METHODS_MAX = 20;
const ARGUMENTS_MAX = 5;
/** UTF-16 units of all arguments, as JSON. */
const ARGUMENTS_LENGTH_MAX = 4_000;
const EVERY_MS_MIN = 1_000;
const EVERY_MS_MAX = 3_600_000;

/** @throws LeverError `malformed_request` */
export function readWatchRequest(message: unknown): readonly Required<WatchedMethod>[] {
  const see = isJsonObject(message) ? message["see"] : undefined;
  if (!Array.isArray(see) || see.length > METHODS_MAX) {
    throw refused(`\`see\` is not a list of at most ${METHODS_MAX} methods`);
  }
  const read = see.map(readMethod);
  if (new Set(read.map(({ id }) => id)).size < read.length) {
    throw refused("two methods have the same `id`");
  }
  return read;
}

function readMethod(value: unknown): Required<WatchedMethod> {
  if (!isJsonObject(value)) throw refused("a method is not an object");
  const { id, method, args, everyMs = EVERY_MS_MIN } = value;
  if (typeof id !== "number" || !Number.isSafeInteger(id)) throw refused("`id` is not a number");
  if (typeof method !== "string") throw refused("`method` is not a name");
  if (!Array.isArray(args) || args.length > ARGUMENTS_MAX) {
    throw refused(`\`args\` is not a list of at most ${ARGUMENTS_MAX} arguments`);
  }
  if (JSON.stringify(args).length > ARGUMENTS_LENGTH_MAX) {
    throw refused(`\`args\` has more than ${ARGUMENTS_LENGTH_MAX} characters`);
  }
  if (typeof everyMs !== "number" || !(everyMs >= EVERY_MS_MIN && everyMs <= EVERY_MS_MAX)) {
    throw refused(`\`everyMs\` is not a number from ${EVERY_MS_MIN} to ${EVERY_MS_MAX}`);
  }
  return { id, method, args, everyMs };
}

function refused(reason: string): LeverError {
  return new LeverError("malformed_request", `Cannot watch methods: ${reason}.`);
}
