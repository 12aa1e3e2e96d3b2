/** The type that the other side receives: a Buffer for bytes, the JSON form of any other value. */
export type Wire<Value> =
  IsAny<Value> extends true ? Value : Value extends Uint8Array ? Buffer : Json<Value>;

/** The type after `JSON.parse(JSON.stringify(value))`: a Date becomes a string, undefined and functions null or absent. */
export type Json<Value> =
  IsAny<Value> extends true
    ? Value
    : unknown extends Value
      ? Value
      : Value extends string | number | boolean | null
        ? Value
        : // biome-ignore lint/suspicious/noConfusingVoidType: functions that return nothing are declared with it.
          Value extends undefined | void | symbol | AnyFunction
          ? null
          : Value extends bigint
            ? never
            : Value extends { toJSON(...args: never[]): infer Replaced }
              ? Json<Replaced>
              : Value extends readonly unknown[]
                ? { [Index in keyof Value]: Json<Value[Index]> }
                : JsonObject<Value>;

/** Properties that may be undefined become optional. Properties that can only be undefined or a function are dropped. */
type JsonObject<Value> = Flat<
  {
    [Key in keyof Value as KeyKind<Value, Key> extends "present" ? Key : never]: Json<Value[Key]>;
  } & {
    [Key in keyof Value as KeyKind<Value, Key> extends "optional" ? Key : never]?: Json<
      Exclude<Value[Key], Dropped>
    >;
  }
>;

type KeyKind<Value, Key extends keyof Value> = Key extends symbol
  ? "dropped"
  : IsAny<Value[Key]> extends true
    ? "present"
    : [Value[Key]] extends [Dropped]
      ? "dropped"
      : [Extract<Value[Key], Dropped>] extends [never]
        ? "present"
        : "optional";

type Dropped = undefined | symbol | AnyFunction;
type AnyFunction = (...args: never[]) => unknown;
type Flat<Value> = { [Key in keyof Value]: Value[Key] };
export type IsAny<Value> = 0 extends 1 & Value ? true : false;
