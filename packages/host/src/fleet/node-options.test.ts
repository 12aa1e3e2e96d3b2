import { describe, expect, it } from "vitest";
import { parseNodeOptions } from "./node-options.ts";

describe("NODE_OPTIONS", () => {
  it.each([
    ["", ""],
    ["  --enable-source-maps   --no-warnings ", "--enable-source-maps --no-warnings"],
    ["--max-http-header-size=32768", "--max-http-header-size=32768"],
    ["--max_http_header_size 32768", "--max-http-header-size=32768"],
    ["-C development", "--conditions=development"],
    ['--tls-cipher-list="A \\" B"', '"--tls-cipher-list=A \\" B"'],
    ["--stack-trace-limit=50", "--stack-trace-limit=50"],
  ])("%j is for the process: %j", (value, processOptions) => {
    expect(parseNodeOptions(value)).toEqual({ processOptions, preload: [] });
  });

  it.each([
    ["--require ./trace.js", [["require", "./trace.js"]]],
    ["-r dd-trace/init", [["require", "dd-trace/init"]]],
    ["--import=@scope/trace/register.mjs", [["import", "@scope/trace/register.mjs"]]],
    [
      "--import ./b.mjs --require ./a..js",
      [
        ["require", "./a..js"],
        ["import", "./b.mjs"],
      ],
    ],
  ])("%j loads modules of the code before the service", (value, modules) => {
    const preload = modules.map(([by, module]) => ({ by, module }));
    expect(parseNodeOptions(value)).toEqual({ processOptions: "", preload });
  });

  it.each([
    ["--permission", "Lever itself sets what an instance may do"],
    ["--allow-fs-read=/", "Lever itself sets"],
    ["--allow_fs_read=/", "Lever itself sets"],
    ["--allow-child-process", "Lever itself sets"],
    ["--max-old-space-size=4096", '"ram" in lever.json'],
    ["--inspect=0.0.0.0:9229", "debugger"],
    ["--inspect-brk", "debugger"],
    ["--require /tmp/x.js", "/tmp/x.js, which is outside of the code"],
    ["--require ../x.js", "outside of the code"],
    ["--require ./a/../../x.js", "outside of the code"],
    ["--import file:///tmp/x.mjs", "outside of the code"],
    ["--import data:text/javascript,1", "outside of the code"],
    ['--import "\\/tmp/x.mjs"', "outside of the code"],
    ["--experimental-loader ./x.mjs", "is not allowed for an instance; allowed are"],
    ["--diagnostic-dir=/tmp", "is not allowed for an instance"],
    ["--cpu-prof", "is not allowed for an instance"],
    ["--redirect-warnings=/tmp/x", "is not allowed for an instance"],
    ["--openssl-config=x.cnf", "is not allowed for an instance"],
    ["--enable-source-maps=1", "is not allowed for an instance"],
    ["--env-file=.env", "is no option that Node allows there"],
    ["--eval 1", "is no option that Node allows there"],
    ["server.js", "is no option that Node allows there"],
    ["--require", "has no value"],
    ["--conditions=", "has no value"],
    ['--no-warnings "', 'a " has no end'],
  ])("%j is refused: %s", (value, reason) => {
    expect(parseNodeOptions(value)).toEqual({ refused: expect.stringContaining(reason) });
  });
});
