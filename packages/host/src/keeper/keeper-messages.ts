/** Messages between a host and its keeper, each a line of JSON. */
export type KeeperCommand =
  /** Boot time at which owners must end. */
  | { readonly kind: "end"; readonly ownersEndAtMs: number }
  /** The leader of a process group that owns resources. */
  | { readonly kind: "add"; readonly pid: number }
  | { readonly kind: "remove"; readonly pid: number };

/** The keeper has this owner. */
export interface KeeperAnswer {
  readonly added: number;
}

export function toLine(message: KeeperCommand | KeeperAnswer): string {
  return `${JSON.stringify(message)}\n`;
}
