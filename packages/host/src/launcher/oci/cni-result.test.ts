import { expect, it } from "vitest";
import { parseCniResult } from "./cni-result.ts";

it("a container's address and the host's interface are read from the result of ptp", () => {
  const result = {
    cniVersion: "0.4.0",
    interfaces: [
      { name: "veth1a2b", mac: "0a:58:0a:d5:00:01" },
      { name: "eth0", mac: "0a:58:0a:d5:00:02", sandbox: "/proc/4711/ns/net" },
    ],
    ips: [{ version: "4", interface: 1, address: "10.213.0.2/20", gateway: "10.213.0.1" }],
    dns: {},
  };
  expect(parseCniResult(JSON.stringify(result))).toEqual({
    address: "10.213.0.2",
    device: "veth1a2b",
  });
});

it.each(["{}", "null", '{"ips":[],"interfaces":[]}', '{"ips":[{"address":"10.213.0.2/20"}]}'])(
  "a result %s without address or interface is an error",
  (text) => {
    expect(() => parseCniResult(text)).toThrow("no address or no interface");
  },
);
