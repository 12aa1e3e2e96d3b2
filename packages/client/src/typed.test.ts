import { expectTypeOf, it } from "vitest";
import { Client } from "./client.ts";
import type { LeverError } from "./index.ts";
import type { Json, Wire } from "./json-types.ts";
import type { MethodArguments, MethodName, MethodResult, ResourceArguments } from "./typed.ts";

/** The type of a service's module, as `typeof import("./server.ts")` is one. */
interface Shop {
  readonly greet: (name: string) => Promise<string>;
  readonly add: (a: number, b?: number) => number;
  readonly buy: (item: string, callback: (error: Error | null, receipt: Receipt) => void) => void;
  readonly peek: (callback?: (error: unknown, count?: number) => void) => void;
  readonly forget: (item: string, callback: (error?: Error) => void) => void;
  readonly upload: (bytes: Buffer) => Promise<Buffer>;
  readonly openedAt: () => Date;
  readonly close: () => void;
  readonly sum: (...numbers: number[]) => number;
  // biome-ignore lint/suspicious/noExplicitAny: so TypeScript sees a function of a JavaScript module.
  readonly loose: (name?: any, callback?: any) => void;
  readonly version: string;
  readonly updatesChan: (stream: unknown) => void;
  readonly log_chan: (stream: unknown) => void;
  readonly chan: (stream: unknown) => void;
  readonly _hidden: () => void;
  readonly newResource: (resource: string) => Promise<void>;
  readonly closeResource: (resource: string) => Promise<void>;
  readonly default: () => void;
}

interface Receipt {
  readonly id: number;
  readonly at: Date;
  readonly note?: string;
  readonly refund: () => void;
}

const client = new Client({ forceHost: "127.0.0.1:1" });
const shop = client.service<Shop>("dev.lever", "shop");

/** Only type-checked, never run. */
function typesOnly(_calls: () => unknown): void {}

it("MethodName contains the regular methods of a service and no others", () => {
  expectTypeOf<MethodName<Shop>>().toEqualTypeOf<
    "greet" | "add" | "buy" | "peek" | "forget" | "upload" | "openedAt" | "close" | "sum" | "loose"
  >();
  typesOnly(() => {
    // @ts-expect-error: there is no such method.
    shop.invoke("gret", "world");
    // @ts-expect-error: it is a streaming method.
    shop.invoke("updatesChan");
  });
});

it("MethodArguments contains a method's arguments without its callback", () => {
  expectTypeOf<MethodArguments<Shop["greet"]>>().toEqualTypeOf<[name: string]>();
  expectTypeOf<MethodArguments<Shop["add"]>>().toEqualTypeOf<[a: number, b?: number | undefined]>();
  expectTypeOf<MethodArguments<Shop["buy"]>>().toEqualTypeOf<[item: string]>();
  expectTypeOf<MethodArguments<Shop["peek"]>>().toEqualTypeOf<[]>();
  expectTypeOf<MethodArguments<Shop["upload"]>>().toEqualTypeOf<[bytes: Uint8Array]>();
  expectTypeOf<MethodArguments<Shop["close"]>>().toEqualTypeOf<[]>();
  expectTypeOf<MethodArguments<Shop["sum"]>>().toEqualTypeOf<number[]>();
  type Optional = (a?: string, callback?: (error: unknown) => void) => void;
  expectTypeOf<MethodArguments<Optional>>().toEqualTypeOf<[a?: string | undefined]>();
  typesOnly(() => {
    // @ts-expect-error: the name is missing.
    shop.invoke("greet");
    // @ts-expect-error: the name is no string.
    shop.invoke("greet", 7);
    // @ts-expect-error: one argument too many.
    shop.invoke("greet", "world", "again");
  });
});

it("MethodResult is the result of a promise, a callback or a return value", () => {
  expectTypeOf<MethodResult<Shop["greet"]>>().toEqualTypeOf<string>();
  expectTypeOf<MethodResult<Shop["add"]>>().toEqualTypeOf<number>();
  expectTypeOf<MethodResult<Shop["peek"]>>().toEqualTypeOf<number>();
  expectTypeOf<MethodResult<Shop["forget"]>>().toEqualTypeOf<null>();
  expectTypeOf<MethodResult<Shop["upload"]>>().toEqualTypeOf<Buffer>();
  expectTypeOf<MethodResult<Shop["openedAt"]>>().toEqualTypeOf<string>();
  expectTypeOf<MethodResult<Shop["close"]>>().toEqualTypeOf<null>();
  expectTypeOf<MethodResult<Shop["loose"]>>().toEqualTypeOf<unknown>();
  expectTypeOf<MethodResult<Shop["buy"]>>().toEqualTypeOf<{
    readonly id: number;
    readonly at: string;
    readonly note?: string;
  }>();
  typesOnly(() => {
    expectTypeOf(shop.invoke("greet", "world")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(shop.invoke("sum", 1, 2, 3)).toEqualTypeOf<Promise<number>>();
  });
});

it("ResourceArguments drops the first parameter, the resource", () => {
  type Join = (room: string, name: string, age?: number) => Promise<string[]>;
  expectTypeOf<ResourceArguments<Join>>().toEqualTypeOf<[name: string, age?: number | undefined]>();
  expectTypeOf<ResourceArguments<(room: string) => void>>().toEqualTypeOf<[]>();
  expectTypeOf<ResourceArguments<() => void>>().toEqualTypeOf<[]>();
  expectTypeOf<ResourceArguments<(...words: string[]) => void>>().toEqualTypeOf<string[]>();
  const lobby = client.resource<{ join: Join }>("dev.lever", "chat", "lobby");
  typesOnly(() => {
    expectTypeOf(lobby.invoke("join", "Ada")).toEqualTypeOf<Promise<string[]>>();
    // @ts-expect-error: the resource is in the URL already.
    lobby.invoke("join", "lobby", "Ada");
  });
});

it("the error of a callback narrows the type of its result", () => {
  typesOnly(() => {
    const returned = shop.invoke("add", 1, 2, (error, sum) => {
      expectTypeOf(error).toEqualTypeOf<LeverError | null>();
      if (error === null) expectTypeOf(sum).toEqualTypeOf<number>();
      else expectTypeOf(sum).toEqualTypeOf<undefined>();
    });
    expectTypeOf(returned).toEqualTypeOf<undefined>();
    shop.invoke("greet", "world", (error: LeverError | null, text: string | undefined) => {
      return [error, text];
    });
    // @ts-expect-error: the argument is missing.
    shop.invoke("greet", (error: LeverError | null) => error);
  });
});

it("a service of unknown type accepts any call", () => {
  const any = client.service("dev.lever", "whatever");
  typesOnly(() => {
    expectTypeOf(any.invoke("anything", 1, "two", [3])).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(any.invoke("anything")).toEqualTypeOf<Promise<unknown>>();
    any.invoke("anything", 1, (error, result) => {
      expectTypeOf(error).toEqualTypeOf<LeverError | null>();
      expectTypeOf(result).toEqualTypeOf<unknown>();
    });
    client.invokeURL("/x/y", (error, result) => {
      expectTypeOf(error).toEqualTypeOf<LeverError | null>();
      expectTypeOf(result).toEqualTypeOf<unknown>();
    });
    expectTypeOf(client.invokeURL("/x/y", 1)).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(client.resource("e", "s", "r").invoke("m")).toEqualTypeOf<Promise<unknown>>();
  });
});

it("a service accepts a type written by hand", () => {
  const hello = client.service<{ sayHello(name: string): string }>("dev.lever", "hello");
  typesOnly(() => {
    expectTypeOf(hello.invoke("sayHello", "world")).toEqualTypeOf<Promise<string>>();
  });
});

it("Wire and Json map types to those that the other side receives", () => {
  expectTypeOf<Wire<Uint8Array>>().toEqualTypeOf<Buffer>();
  expectTypeOf<Wire<Buffer | string>>().toEqualTypeOf<Buffer | string>();
  expectTypeOf<Wire<undefined>>().toEqualTypeOf<null>();
  expectTypeOf<Wire<string | undefined>>().toEqualTypeOf<string | null>();
  expectTypeOf<Wire<unknown>>().toEqualTypeOf<unknown>();
  expectTypeOf<Json<{ a: Date | null }>>().toEqualTypeOf<{ a: string | null }>();
  expectTypeOf<Json<{ a: number | undefined }>>().toEqualTypeOf<{ a?: number }>();
  expectTypeOf<Json<{ a: undefined; f(): void; b: 1 }>>().toEqualTypeOf<{ b: 1 }>();
  expectTypeOf<Json<Date[]>>().toEqualTypeOf<string[]>();
  expectTypeOf<Json<readonly [Date, number | undefined]>>().toEqualTypeOf<
    readonly [string, number | null]
  >();
  expectTypeOf<Json<Record<string, Date>>>().toEqualTypeOf<Record<string, string>>();
  expectTypeOf<Json<Map<string, string>>>().toEqualTypeOf<{ readonly size: number }>();
});
