import { createConsoleCode, openConsoleSession } from "../access/console-sessions.ts";
import type { PrincipalId } from "../access/token-index.ts";
import type { TokenRegistry } from "../access/token-registry.ts";
import { type Clock, isoTime } from "../clock.ts";
import type { Store } from "../store/store.ts";
import { flag, tokenId, tokenOptions } from "./arguments.ts";
import { adminMethod, type Methods } from "./method-table.ts";

/** Entries in one reply. */
const AUDIT_ENTRIES_MAX = 1_000;

export interface AccessParts {
  readonly tokens: TokenRegistry;
  /** The principal of the call that runs. */
  readonly caller: () => PrincipalId;
  readonly store: Store;
  readonly clock: Clock;
}

/** Methods for tokens, and for the audit. */
export const accessMethods: Methods<
  AccessParts,
  | "createToken"
  | "listTokens"
  | "whoAmI"
  | "revokeToken"
  | "createConsoleCode"
  | "openConsole"
  | "listAudit"
> = {
  createToken: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [tokenOptions],
      does: "Creates a token; only this reply has the token itself.",
    },
    ({ tokens }, options) => tokens.create(options),
  ),

  listTokens: adminMethod(
    {
      right: "admin",
      isChange: false,
      arguments: [],
      does: "Lists the tokens by their ids, with their rights.",
    },
    ({ tokens }) => tokens.list(),
  ),

  whoAmI: adminMethod(
    {
      right: "any",
      isChange: false,
      arguments: [],
      does: "Shows the token of the call, with its rights; any token may ask.",
    },
    ({ tokens, caller }) => ({ token: tokens.find(caller()) }),
  ),

  revokeToken: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [tokenId, flag("force")],
      does: "Revokes a token: calls with it are refused at once. The last one that may do everything needs `force`.",
    },
    async ({ tokens }, id, isForced) => {
      await tokens.revoke(id, { isForced });
      return null;
    },
  ),

  createConsoleCode: adminMethod(
    {
      right: "any",
      isChange: true,
      arguments: [],
      does: "Creates a code that opens the console once, within a minute, with the rights of the call's token; `null` where none is needed.",
    },
    async ({ tokens, caller, clock }) => ({
      code: await createConsoleCode(tokens, caller(), clock.wallTime()),
    }),
  ),

  openConsole: adminMethod(
    {
      right: "any",
      isChange: true,
      arguments: [],
      does: "Trades a code, as the token of the call, for a token of the console, which is good for 12 hours.",
    },
    ({ tokens, caller, clock }) => openConsoleSession(tokens, caller(), clock.wallTime()),
  ),

  listAudit: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [],
      does: "Lists the last 1,000 changes, oldest first: who made them, and their outcome.",
    },
    async ({ store }) => {
      const records = await store.audit(AUDIT_ENTRIES_MAX);
      return records.map(({ at, ...record }) => ({ at: isoTime(at), ...record }));
    },
  ),
};
