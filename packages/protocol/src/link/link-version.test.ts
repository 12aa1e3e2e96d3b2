import { expect, it } from "vitest";
import {
  isLinkUpgrade,
  LINK_UPGRADE,
  LINK_VERSION,
  refuseHostVersion,
  refuseLinkUpgrade,
} from "./link-version.ts";

it("an upgrade to lever-link of any version asks for a link", () => {
  for (const upgrade of [LINK_UPGRADE, "lever-link/0", "Lever-Link/77"]) {
    expect(isLinkUpgrade(upgrade)).toBe(true);
  }
  for (const upgrade of [undefined, "", "websocket", "lever-link", "lever-link/x", "h2c"]) {
    expect(isLinkUpgrade(upgrade)).toBe(false);
  }
});

it("a client of the same version gets a link", () => {
  expect(refuseLinkUpgrade(LINK_UPGRADE)).toBeUndefined();
});

it.each([
  ["an older client is told to update the package", LINK_VERSION - 1, "Update the package leveros"],
  ["a newer client is told to update the host", LINK_VERSION + 1, "Update Lever on the host"],
])("%s", (_name, version, remedy) => {
  const error = refuseLinkUpgrade(`lever-link/${version}`);
  expect(error?.code).toBe("not_supported");
  expect(error?.message).toContain(
    `speaks link protocol ${LINK_VERSION}, the client speaks ${version}.`,
  );
  expect(error?.message).toContain(remedy);
});

it("a process refuses a host of another version, or of none", () => {
  expect(refuseHostVersion(LINK_VERSION)).toBeUndefined();
  for (const version of [LINK_VERSION + 1, LINK_VERSION - 1, undefined]) {
    expect(refuseHostVersion(version)).toContain(`the host speaks ${version}): restart the host`);
  }
});
