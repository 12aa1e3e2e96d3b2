const STREAMING = /(?:Chan|_chan)$|^chan$/;

const hooks = ["newResource", "closeResource"] as const;

/** A function of the service that Lever calls when an instance becomes the owner of a resource, or stops being it. */
export type ResourceHook = (typeof hooks)[number];

/** Each hook by its two spellings: newResource and NewResource. */
const hookByName: ReadonlyMap<string, ResourceHook> = new Map(
  hooks.flatMap((hook) => [
    [hook, hook],
    [hook.charAt(0).toUpperCase() + hook.slice(1), hook],
  ]),
);

/** True for a streaming method: the name ends in `Chan` or `_chan`, or is exactly `chan`. */
export function isStreamingName(method: string): boolean {
  return STREAMING.test(method);
}

/** The function that answers HTTP requests. It gets each as a stream: its head as arguments, then its body. */
export const FETCH_METHOD = "fetch";

/** The call of the host that an instance answers with a profile of itself. No caller can name it. */
export const PROFILE_METHOD = "_leverProfileChan";

/** The hook that a function of this name is; undefined = it is none. */
export function hookNamed(name: string): ResourceHook | undefined {
  return hookByName.get(name);
}

/** True for the hooks, which only Lever may call. */
export function isReservedName(name: string): boolean {
  return hookByName.has(name);
}

/** True when callers may call an exported function of this name. */
export function isCallableName(name: string): boolean {
  return !name.startsWith("_") && !hookByName.has(name) && name !== "default";
}

/** Why a URL cannot name a method of this name, as the end of a sentence; undefined = it can. */
export function refuseMethodName(name: string): string | undefined {
  if (name === "") return "the name is empty";
  if (name.includes("/")) return "a / separates the parts of a URL";
  if (name === "." || name === "..") return "it means a folder of the URL";
  if (/\p{Cc}/u.test(name)) return "the name has a control character";
  return name.isWellFormed() ? undefined : "the name has half of a surrogate pair";
}
