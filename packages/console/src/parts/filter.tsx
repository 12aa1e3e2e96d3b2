import type { VNode } from "preact";
import { place, setQuery } from "../route.ts";
import { Icon } from "./icon.tsx";

/** A text that a list is filtered by. It is in the address. */
export function Filter({ name, label }: { name: string; label: string }): VNode {
  return (
    <label class="filter">
      <Icon name="search" />
      <input
        type="search"
        data-filter
        aria-label={label}
        placeholder={label}
        value={place.value.query.get(name) ?? ""}
        onInput={({ currentTarget }) => setQuery({ [name]: currentTarget.value })}
      />
    </label>
  );
}
