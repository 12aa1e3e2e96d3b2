import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../run-tool.ts";
import { nameservers } from "./sandbox-root.ts";

/** Where the packages of Linux distributions put the plugins. */
const PLUGIN_DIRS = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
const PLUGINS = ["ptp", "host-local", "loopback"];

/** The folder of the CNI plugins; undefined when one that is needed is missing. */
export function findPlugins(): string | undefined {
  return PLUGIN_DIRS.find((dir) => PLUGINS.every((name) => existsSync(join(dir, name))));
}

/** Address ranges that hosts pick from: private, and used by few. One holds 4,093 instances. */
const SUBNETS = Array.from({ length: 16 * 7 }, (_, index) => {
  return `10.${213 + Math.floor(index / 16)}.${(index % 16) * 16}.0/20`;
});

/**
 * What is not the internet: this network, private and shared networks, loopback, link-local with the metadata services
 * of clouds, documentation and benchmark networks, multicast, reserved (IANA special-purpose registry, RFC 6890).
 */
const NOT_INTERNET = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
];

/** Which range is taken, for whoever cleans up after a crash. */
const SUBNET_FILE = "subnet";
const DNS_PORT = 53;

/**
 * The network of the containers: to each its own link to the host by CNI's `ptp`, an address by `host-local`, and a
 * table of rules (nftables) that lets it reach the internet and the machine's name servers, and nothing else: not the
 * host, not another instance, not what is near.
 */
export class ContainerNetwork {
  readonly #plugins: string;
  readonly #config: string;

  private constructor(options: { id: string; plugins: string; stateDir: string; subnet: string }) {
    const { id, plugins, stateDir, subnet } = options;
    this.#plugins = plugins;
    this.#config = JSON.stringify({
      cniVersion: "0.4.0",
      name: `lever-${id}`,
      type: "ptp",
      ipMasq: false,
      ipam: {
        type: "host-local",
        subnet,
        routes: [{ dst: "0.0.0.0/0" }],
        dataDir: stateDir,
      },
    });
  }

  /** @throws Error when no range of addresses is free, or the kernel takes no rules. */
  static async open(id: string, plugins: string, stateDir: string): Promise<ContainerNetwork> {
    const subnet = await claimSubnet(id);
    await writeFile(join(stateDir, SUBNET_FILE), subnet);
    const network = new ContainerNetwork({ id, plugins, stateDir, subnet });
    await runTool("nft", ["-f", "-"], { input: rules(tableOf(id), subnet) });
    return network;
  }

  /** Gives a container its link and its address. `pid` is a process in it. */
  async attach(container: string, pid: number): Promise<void> {
    await this.#plugin("ADD", container, `/proc/${pid}/ns/net`);
  }

  /** Gives the address of a container that has ended back; its link has gone with it. */
  async detach(container: string): Promise<void> {
    await this.#plugin("DEL", container, "");
  }

  async #plugin(command: "ADD" | "DEL", container: string, netns: string): Promise<void> {
    await runTool(join(this.#plugins, "ptp"), [], {
      env: {
        PATH: process.env["PATH"],
        CNI_COMMAND: command,
        CNI_CONTAINERID: container,
        CNI_NETNS: netns,
        CNI_IFNAME: "eth0",
        CNI_PATH: this.#plugins,
      },
      input: this.#config,
    });
  }
}

/** Gives the range of addresses back that a host claimed whose network kept its state in this folder, if there is one. */
export async function giveSubnetBack(stateDir: string): Promise<void> {
  const file = join(stateDir, SUBNET_FILE);
  if (!existsSync(file)) return;
  await runTool("ip", ["route", "del", "blackhole", await readFile(file, "utf8")]);
}

/** Takes away the rules that a host with this id made; what it did not make is left alone. */
export async function removeNetwork(id: string): Promise<void> {
  // Made first, so that the removal of what is not there is no error.
  const table = tableOf(id);
  await runTool("nft", ["-f", "-"], {
    input: `table inet ${table} {}\ndelete table inet ${table}\n`,
  });
}

const tableOf = (id: string): string => `lever_${id}`;

/** A route of last resort marks a range as taken, for every host on this machine at once: the kernel makes it or not. */
async function claimSubnet(id: string): Promise<string> {
  // Not everybody asks for the same one first, and a host gets its own again.
  const first = Number.parseInt(id.slice(0, 6), 16) % SUBNETS.length;
  let last: unknown;
  for (let index = 0; index < SUBNETS.length; index++) {
    const subnet = SUBNETS[(first + index) % SUBNETS.length] ?? "";
    try {
      const routes = await runTool("ip", ["-4", "route", "show", "root", subnet]);
      if (routes.trim() !== "") continue;
      await runTool("ip", ["route", "add", "blackhole", subnet]);
      return subnet;
    } catch (error) {
      last = error;
    }
  }
  throw new Error("No range of addresses is free for instances.", { cause: last });
}

/** Before the rules of others (priority 0), so that nobody else's can let a packet through that these stop. */
function rules(table: string, subnet: string): string {
  const resolvers = nameservers();
  const dns =
    resolvers.length === 0
      ? []
      : [
          `ip daddr { ${resolvers.join(", ")} } udp dport ${DNS_PORT} accept`,
          `ip daddr { ${resolvers.join(", ")} } tcp dport ${DNS_PORT} accept`,
        ];
  return `table inet ${table} {
  chain input {
    type filter hook input priority -10;
    ip saddr ${subnet} drop
  }
  chain forward {
    type filter hook forward priority -10;
    ip saddr ${subnet} jump outgoing
    ip daddr ${subnet} ct state established,related accept
    ip daddr ${subnet} drop
  }
  chain outgoing {
    ct state invalid drop
    ${dns.join("\n    ")}
    ip daddr { ${NOT_INTERNET.join(", ")} } drop
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr ${subnet} ip daddr != ${subnet} masquerade
  }
}
`;
}
