import type { AuditEntry, CreatedToken, TokenListing } from "@leveros/protocol";
import { parseTokenOptions } from "../access/token-options.ts";
import type { TokenRegistry } from "../access/token-registry.ts";
import type { Store } from "../store/store.ts";

/** An answer has its limit. */
const AUDIT_MAX = 1_000;

/** The admin service's methods about who may do what. */
export function accessMethods({
  tokens,
  store,
}: {
  readonly tokens: TokenRegistry;
  readonly store: Store;
}): Record<string, unknown> {
  return {
    /** `{environments, rights, expiresInMs?, note?}`. Only this reply has the token itself. */
    createToken: async (options: unknown): Promise<CreatedToken> =>
      await tokens.create(parseTokenOptions(options)),

    listTokens: (): readonly TokenListing[] => tokens.list(),

    async revokeToken(id: unknown): Promise<null> {
      await tokens.revoke(String(id));
      return null;
    },

    /** Who has changed what, oldest first: the last thousand. */
    async listAudit(): Promise<AuditEntry[]> {
      const records = await store.audit(AUDIT_MAX);
      return records.map(({ at, ...record }) => ({ at: new Date(at).toISOString(), ...record }));
    },
  };
}
