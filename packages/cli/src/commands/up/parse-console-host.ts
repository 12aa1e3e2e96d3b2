const NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** A host name, or an IPv4 address, in lower case; undefined for anything else, such as a name with a port. */
export function parseConsoleHost(text: string): string | undefined {
  const name = text.toLowerCase();
  return NAME.test(name) ? name : undefined;
}
