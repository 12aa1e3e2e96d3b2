import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const READER = "runtime/src/http-program/response-reader.test.ts";
const REQUEST = "runtime/src/http-program/program-request.test.ts";
const FILES = "host/src/gateway/sites/files/serve-files.test.ts";
const REACH = "host/src/gateway/sites/reach.test.ts";
const SITE_CALLS = "host/src/router/site-calls.test.ts";
const SITE_ROUTES = "host/src/router/site-routes.test.ts";

/** HTTP services: answers of programs, host names, files, and what an answer may reach. */
export const httpFaults: readonly PlantedFault[] = [
  ...faultsIn("runtime/src/http-program/response-head.ts", [
    [
      "An answer of a program with two lengths is read.",
      'if (length !== undefined) throw new MalformedAnswer("it has two content-lengths");',
      "",
      READER,
    ],
    [
      "An answer of a program with a length and chunks is read.",
      'throw new MalformedAnswer("it has a content-length and a transfer-encoding");',
      'return { kind: "chunked" };',
      READER,
    ],
    [
      "A program can answer any request with 101.",
      'if (!isUpgrade) throw new MalformedAnswer("it has the status 101 without a request for it");',
      "",
      READER,
    ],
  ]),
  ...faultsIn("runtime/src/http-program/chunks.ts", [
    [
      "A chunk of a program's answer can be longer than its size.",
      'if (line !== "") throw new MalformedAnswer("one of its chunks is longer than its size");',
      "",
      READER,
    ],
  ]),
  ...faultsIn("runtime/src/http-program/program-connection.ts", [
    [
      "A connection with bytes after an answer gets another request.",
      "if (read < bytes.length) this.destroy();",
      "",
      REQUEST,
    ],
  ]),
  ...faultsIn("runtime/src/http-program/program-request.ts", [
    [
      "A request that may not be repeated is sent to a program twice.",
      'IDEMPOTENT.has(this.#method) && this.#framing.kind === "none"',
      "true",
      REQUEST,
    ],
    [
      "A request whose idle connection was closed is not sent again.",
      "isUntouched && wasIdle && isSafe",
      "isUntouched && wasIdle && isSafe && false",
      REQUEST,
    ],
    [
      "More bytes than its head announces reach a program.",
      "if (bytes.length > this.#missing) {",
      "if (bytes.length < 0) {",
      REQUEST,
    ],
  ]),
  ...faultsIn("host/src/gateway/sites/files/file-path.ts", [
    [
      "Hidden files are served.",
      'SEPARATOR.test(name) || name.startsWith(".")',
      "SEPARATOR.test(name)",
      "host/src/gateway/sites/files/file-path.test.ts",
    ],
  ]),
  ...faultsIn("host/src/gateway/sites/files/found-file.ts", [
    ["A link leads out of the folder of files.", "path.startsWith(root + sep) && ", "", FILES],
  ]),
  ...faultsIn("host/src/gateway/sites/files/conditions.ts", [
    [
      "A part of another content is sent to a caller that completes its own.",
      "if (ifRange !== undefined && ifRange !== tag) return undefined;",
      "",
      "host/src/gateway/sites/files/conditions.test.ts",
    ],
  ]),
  ...faultsIn("host/src/gateway/sites/reach.ts", [
    [
      "A service sets cookies for other host names.",
      'else if (name !== "domain") kept.push(attribute);',
      "else kept.push(attribute);",
      REACH,
    ],
    [
      "A service sets cookies for its neighbours on a host name.",
      'path + own.replace(/\\/$/, "")',
      "own",
      REACH,
    ],
    [
      "A service clears what its neighbours on a host name store.",
      "|| ORIGIN_WIDE.has(name)",
      "",
      REACH,
    ],
  ]),
  ...faultsIn("host/src/gateway/sites/request-fields.ts", [
    [
      "Claims of any caller about where it comes from are passed on.",
      "isForwarded(headers) && isSameMachine(socket)",
      "isForwarded(headers)",
      "host/src/gateway/sites/request-fields.test.ts",
    ],
  ]),
  ...faultsIn("host/src/gateway/sites/response-head.ts", [
    [
      "A service answers in Lever's name.",
      "connectionFields.has(name) || isLevers(name)",
      "connectionFields.has(name)",
      "host/src/gateway/sites/response-head.test.ts",
    ],
  ]),
  ...faultsIn("host/src/router/site-routes.ts", [
    [
      "A shorter route takes the requests of a longer one.",
      "routes.sort((a, b) => b.path.length - a.path.length);",
      "",
      SITE_ROUTES,
    ],
    [
      "A route takes requests for paths that only begin like its own.",
      ' && (path.length === length || path[length] === "/")',
      "",
      SITE_ROUTES,
    ],
  ]),
  ...faultsIn("host/src/router/sites.ts", [
    [
      "One of several services that differ by capitals gets their host name.",
      "names?.size === 1 ? names : []",
      "names ?? []",
      "host/src/router/sites.test.ts",
    ],
  ]),
  ...faultsIn("host/src/router/find-service.ts", [
    [
      "Services make HTTP requests in the name of a gateway.",
      "methods !== undefined && !isService",
      "methods !== undefined",
      SITE_CALLS,
    ],
  ]),
  ...faultsIn("host/src/router/instance-target.ts", [
    [
      "HTTP requests of an instance that stops end with its streams.",
      "if (stream.isRequest !== true) stream.refuse(error);",
      "stream.refuse(error);",
      SITE_CALLS,
    ],
  ]),
];
