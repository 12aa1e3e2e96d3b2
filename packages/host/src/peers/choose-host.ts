/**
 * The better of two hosts that are chosen at random among those with a free place: the one with more of them. undefined = no
 * host has any. If all hosts chose the one with the most free places, it would get all calls at once.
 * @param random from 0 to less than 1.
 */
export function chooseHost<Host>(
  hosts: readonly Host[],
  placesOf: (host: Host) => { readonly free: number } | undefined,
  random: () => number,
): Host | undefined {
  let one: Host | undefined;
  let other: Host | undefined;
  let count = 0;
  for (const host of hosts) {
    if (freeOf(host, placesOf) <= 0) continue;
    count++;
    // Two of all, each with the same chance (reservoir sampling).
    const at = count <= 2 ? count - 1 : Math.floor(random() * count);
    if (at === 0) one = host;
    else if (at === 1) other = host;
  }
  if (one === undefined || other === undefined) return one;
  const [first, second] = [freeOf(one, placesOf), freeOf(other, placesOf)];
  if (first === second) return random() < 0.5 ? one : other;
  return first > second ? one : other;
}

function freeOf<Host>(
  host: Host,
  placesOf: (host: Host) => { readonly free: number } | undefined,
): number {
  return placesOf(host)?.free ?? 0;
}
