import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** A first call of a service, for its test and for what to type next. */
export interface FirstCall {
  readonly service: string;
  readonly resource?: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly result: unknown;
}

/** An example that a project can begin with. */
export interface Template {
  readonly name: string;
  readonly about: string;
  /** Its folder among the examples. */
  readonly example: string;
  /** The module of its service, relative to the project; undefined = it is no TypeScript. */
  readonly module: string | undefined;
  /** Other files name the service, so it keeps its name. */
  readonly keepsName: boolean;
  readonly call: FirstCall;
}

const hello = { args: [{ name: "Ada" }], result: "Hello, Ada!" };

/** The first one is the default. */
export const templates: readonly [Template, ...Template[]] = [
  {
    name: "hello-ts",
    about: "a service in TypeScript",
    example: "hello-ts",
    module: "server.ts",
    keepsName: false,
    call: { service: "helloTs", method: "greet", ...hello },
  },
  {
    name: "hello",
    about: "a service in JavaScript",
    example: "hello",
    module: undefined,
    keepsName: false,
    call: { service: "helloService", method: "sayHello", args: ["Ada"], result: "Hello, Ada!" },
  },
  {
    name: "counter",
    about: "resources: each counter lives on one instance",
    example: "counter",
    module: undefined,
    keepsName: false,
    call: { service: "counter", resource: "apples", method: "add", args: [2], result: 2 },
  },
  {
    name: "chat",
    about: "streams: rooms, and a page for the browser",
    example: "chat",
    module: "server.ts",
    keepsName: true,
    call: { service: "chat", resource: "lobby", method: "members", args: [], result: [] },
  },
  {
    name: "notes",
    about: "two services, one of them private",
    example: "notes",
    module: "api/server.ts",
    keepsName: true,
    call: { service: "notes", method: "list", args: [], result: [] },
  },
  {
    name: "python",
    about: "a service in Python",
    example: "hello-python",
    module: undefined,
    keepsName: false,
    call: {
      service: "helloPython",
      method: "sayHello",
      args: ["Ada"],
      result: "Hello, Ada, from Python!",
    },
  },
];

/** The folder with the examples: beside the built command, or in the repository. */
export function examplesFolder(): string {
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at)) {
    for (const folder of [join(at, "dist/examples"), join(at, "examples")]) {
      if (existsSync(join(folder, "hello/lever.json"))) return folder;
    }
  }
  throw new Error("The examples are missing from the installation of lever.");
}
