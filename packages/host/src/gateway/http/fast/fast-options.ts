import type { Socket } from "node:net";
import type { HeldConnection } from "../../connections.ts";
import type { DoorOptions } from "../../door-options.ts";
import type { BodyBuffers } from "./body-buffers.ts";
import type { KnownHeads } from "./known-heads.ts";
import type { FastShared } from "./reply.ts";

/** Shared by all connections. */
export interface FastOptions extends DoorOptions {
  readonly shared: FastShared;
  readonly buffers: BodyBuffers;
  readonly heads: KnownHeads;
  /** Passes a connection to another server. `first` = its first bytes, while it has had no call. */
  handOver(socket: Socket, first: Buffer | undefined): void;
  /** A connection leaves when it is closed or handed over. */
  readonly open: { delete(connection: HeldConnection): void };
}
