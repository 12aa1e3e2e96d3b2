/**
 * The host that decides how many instances a service has, and where: the one with the highest value of a hash (rendezvous
 * hashing). When a host comes or goes, only services move of which it becomes or was the home. undefined = there is no host.
 */
export function homeOf(service: string, hosts: readonly string[]): string | undefined {
  let home: string | undefined;
  let highest = -1;
  for (const host of hosts) {
    const value = hashOf(`${host}/${service}`);
    if (value < highest || (value === highest && home !== undefined && home < host)) continue;
    home = host;
    highest = value;
  }
  return home;
}

/** FNV-1a of 32 bits, and the last steps of MurmurHash3, without which names that differ in one letter have similar values. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
