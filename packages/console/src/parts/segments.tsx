import type { VNode } from "preact";

/** A choice of one among few. */
export function Segments<Value extends string>(props: {
  label: string;
  options: readonly (readonly [value: Value, label: string])[];
  value: Value;
  onChange: (value: Value) => void;
}): VNode {
  const { label, options, value, onChange } = props;
  return (
    <fieldset class="segments" aria-label={label}>
      {options.map(([option, text]) => (
        <button
          key={option}
          type="button"
          aria-pressed={option === value}
          onClick={() => onChange(option)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}
