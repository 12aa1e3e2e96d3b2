/** Events and logs in the replies of the admin service, as JSON. */

/** An event of the host with its fields. docs/reference/events.md lists them. */
export interface HostEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly level: "info" | "warn" | "error";
  readonly part: string;
  readonly event: string;
  readonly environment?: string;
  readonly service?: string;
  readonly [field: string]: unknown;
}
