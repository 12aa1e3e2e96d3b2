/** A shorter value would hide ordinary words. */
const VALUE_LENGTH_MIN = 8;
/** Lever's own tokens. */
const TOKEN = /\blever_[\w-]{20,}/g;

/**
 * Returns a function that replaces the values of secrets in a text by their names, and tokens of Lever. It is a net, and no
 * promise: a service can print its secrets in many forms.
 */
export function secretMask(secrets: Readonly<Record<string, string>>): (text: string) => string {
  const values = Object.entries(secrets)
    .filter(([, value]) => value.length >= VALUE_LENGTH_MIN)
    // A secret may be a part of another one.
    .sort(([, a], [, b]) => b.length - a.length);
  return (text) => {
    let masked = text.includes("lever_") ? text.replace(TOKEN, "[secret token]") : text;
    for (const [name, value] of values) {
      if (masked.includes(value)) masked = masked.replaceAll(value, () => `[secret ${name}]`);
    }
    return masked;
  };
}
