/** Tells listeners about events of one type, in the order in which they were added. They stay for as long as it exists. */
export class Emitter<Event> {
  readonly #listeners: ((event: Event) => void)[] = [];

  add(listener: (event: Event) => void): void {
    this.#listeners.push(listener);
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }
}
