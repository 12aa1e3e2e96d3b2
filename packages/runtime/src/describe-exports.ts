import { exportsOf, isClass, isRecord } from "./list-methods.ts";

const NAMES_SHOWN = 5;
const NAME_LENGTH_MAX = 60;

/** Why a module without methods has none, and the remedy. Completes "Its module cannot be loaded: …". */
export function describeExports(namespace: unknown): string {
  const exported = exportsOf(namespace);
  const isCommonJs = exported !== namespace;
  // Compilers and `require` add a mark.
  const names = isRecord(exported)
    ? Object.keys(exported).filter((name) => name !== "__esModule")
    : [];
  const whole = isCommonJs && typeof exported !== "object" ? exported : undefined;
  const byDefault = whole ?? (isRecord(exported) ? exported["default"] : undefined);
  const found =
    whole !== undefined
      ? `only ${kindOf(whole)}`
      : names.length === 0
        ? "nothing"
        : `only ${names.slice(0, NAMES_SHOWN).map(describe).join(", ")}${
            names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : ""
          }`;
  return `it has no methods, as it exports ${found}. ${remedy()}`;

  function describe(name: string): string {
    const shown = name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX)}…` : name;
    return `${shown} (${kindOf(isRecord(exported) ? exported[name] : undefined)})`;
  }

  function remedy(): string {
    if (isClass(byDefault)) {
      const instance = `new ${nameOf(byDefault, "Service")}()`;
      return isCommonJs
        ? `Export an instance: module.exports = ${instance}`
        : `Export an instance: export default ${instance}`;
    }
    if (typeof byDefault === "function") {
      const name = nameOf(byDefault, "hello");
      return isCommonJs
        ? `A method needs a name: module.exports = { ${name} }`
        : `A method needs a name: export { ${name} }`;
    }
    if (names.length > 0 && names.every((name) => name.startsWith("_"))) {
      return "Names that start with _ are private: export a function without it";
    }
    return isCommonJs
      ? 'Export a function, for example: exports.hello = () => "Hello"'
      : 'Export a function, for example: export const hello = () => "Hello"';
  }
}

function nameOf(value: unknown, otherwise: string): string {
  const name = typeof value === "function" ? value.name : "";
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) && name !== "default"
    ? name.slice(0, NAME_LENGTH_MAX)
    : otherwise;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "undefined";
  if (Array.isArray(value)) return "a list";
  if (isClass(value)) return "a class";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
