/** One text for a service of an environment, as the key of a map. */
export function serviceKey(environment: string, service: string): string {
  return `${environment}/${service}`;
}
