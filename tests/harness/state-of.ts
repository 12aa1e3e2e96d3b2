import {
  Applier,
  applyAtOnce,
  type ChangeHandler,
  type SqliteStore,
  State,
} from "@leveros/host/parts";

/** The state of one machine, whose changes these handlers carry out. */
export function stateOf(
  store: Pick<SqliteStore, "revisionOf" | "commit">,
  ...handlers: readonly ChangeHandler[]
): State {
  const applier = new Applier();
  for (const handler of handlers) applier.add(handler);
  return new State(store, applyAtOnce(store, applier));
}
