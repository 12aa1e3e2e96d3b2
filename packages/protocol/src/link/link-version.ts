import { LeverError } from "../errors.ts";

/**
 * Version of the link protocol: the frames, the head of a call, and the control messages of runtimes and workers. Increase
 * it with every change that the other side would misread.
 *
 * Each link begins with the version of one side. The other side compares it and refuses a different one with an error
 * that says what to update:
 * - A client outside names its version in the upgrade request. The host refuses the request with `not_supported`. The
 *   client then shows the error as a warning, and calls over HTTP and WebSockets.
 * - The host sends its version to an instance with the assignment, and to a gateway worker with the setup. The process
 *   reports why it cannot start, and exits.
 */
export const LINK_VERSION = 7;

/** The protocol that a client outside names in its HTTP/1.1 upgrade request for a link (RFC 9110, 7.8). */
export const LINK_UPGRADE: string = `lever-link/${LINK_VERSION}`;

const UPGRADE = /^lever-link\/(\d{1,9})$/i;

/** True when an upgrade request asks for a link, of any version. */
export function isLinkUpgrade(upgrade: string | undefined): boolean {
  return UPGRADE.test(upgrade ?? "");
}

/** Why the host gives no link to a client with this upgrade header; undefined = their versions are equal. */
export function refuseLinkUpgrade(upgrade: string | undefined): LeverError | undefined {
  const version = Number(UPGRADE.exec(upgrade ?? "")?.[1]);
  if (version === LINK_VERSION) return undefined;
  const remedy =
    version > LINK_VERSION
      ? "Update Lever on the host, or install the version of the package leveros that belongs to it."
      : "Update the package leveros to the version of the host.";
  return new LeverError(
    "not_supported",
    `Cannot open a link: this Lever speaks link protocol ${LINK_VERSION}, the client speaks ${version}. ${remedy}`,
  );
}

/** Why this process cannot work for a host of this link version; undefined = the versions are equal. */
export function refuseHostVersion(hostVersion: unknown): string | undefined {
  if (hostVersion === LINK_VERSION) return undefined;
  return `Lever was updated while its host was running (its programs speak link protocol ${LINK_VERSION}, the host speaks ${String(hostVersion)}): restart the host`;
}
