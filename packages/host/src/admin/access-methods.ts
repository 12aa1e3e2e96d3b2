import type { AuditEntry, CreatedToken, TokenListing } from "@leveros/protocol";
import type { Access } from "../access/token-registry.ts";
import type { Store } from "../store/store.ts";

/** An answer has its limit. */
const AUDIT_MAX = 1_000;

/** The admin service's methods about who may do what. */
export function accessMethods({
  access,
  store,
}: {
  readonly access: Access;
  readonly store: Store;
}): Record<string, unknown> {
  return {
    /** `{environments, can, expiresInMs?, note?}`; the token itself is told this once. */
    createToken: (wanted: unknown): Promise<CreatedToken> => access.create(wanted),

    listTokens: (): TokenListing[] => access.list(),

    async revokeToken(id: unknown): Promise<null> {
      await access.revoke(id);
      return null;
    },

    /** Who has changed what, oldest first: the last thousand. */
    async listAudit(): Promise<AuditEntry[]> {
      const records = await store.audit(AUDIT_MAX);
      return records.map(({ at, ...record }) => ({ at: new Date(at).toISOString(), ...record }));
    },
  };
}
