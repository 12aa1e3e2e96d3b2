/** Scrolls a part of a row to where it is seen, for the `ref` of its element. */
export function intoView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
