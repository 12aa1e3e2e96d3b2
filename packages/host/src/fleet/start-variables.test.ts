import { describe, expect, it } from "vitest";
import { refuseVariable, startVariables } from "./start-variables.ts";

describe("a variable that is read at the start of a process", () => {
  it.each([
    ["LANG", "de_DE.UTF-8"],
    ["LC_ALL", "C"],
    ["LC_TIME", "sr_RS@latin"],
    ["MALLOC_ARENA_MAX", "2"],
    ["NODE_DEBUG", "http"],
    ["NODE_EXTRA_CA_CERTS", "ca.pem"],
    ["NODE_NO_WARNINGS", "1"],
    ["NODE_OPTIONS", "--enable-source-maps"],
    ["NODE_PATH", "lib"],
    ["NODE_PENDING_DEPRECATION", "1"],
    ["NODE_USE_ENV_PROXY", "1"],
    ["NODE_USE_SYSTEM_CA", "1"],
    ["SSL_CERT_DIR", "certs"],
    ["SSL_CERT_FILE", "ca.pem"],
    ["UV_THREADPOOL_SIZE", "16"],
  ])("%s=%s is given to the process", (name, value) => {
    expect(refuseVariable(name, value)).toBeUndefined();
    expect(startVariables({ [name]: value })).toEqual({
      variables: { [name]: value },
      preload: [],
    });
  });

  it.each([
    [
      "LD_PRELOAD",
      "./x.so",
      'set it in its command: "entry": ["env", "LD_PRELOAD=value", "./serve"].',
    ],
    ["LD_LIBRARY_PATH", "lib", "the system's loader reads it"],
    ["DYLD_INSERT_LIBRARIES", "x", "the system's loader reads it"],
    ["GLIBC_TUNABLES", "x", "the system's loader reads it"],
    ["OPENSSL_CONF", "x.cnf", "Node would load what it names"],
    ["OPENSSL_MODULES", "x", "Node would load what it names"],
    ["NODE_COMPILE_CACHE", "cache", "enableCompileCache()"],
    ["NODE_V8_COVERAGE", "coverage", "node:inspector"],
    ["NODE_REDIRECT_WARNINGS", "x", "lever logs"],
    ["NODE_ICU_DATA", "x", "Node would load what it names"],
    ["NODE_CHANNEL_FD", "3", "a child of another Node process"],
    ["NODE_UNIQUE_ID", "1", "a child of another Node process"],
    ["UV_USE_IO_URING", "1", "keep rights"],
    ["LANG", "../../x", "the name of a locale, such as de_DE.UTF-8."],
    ["LC_ALL", "a b", "the name of a locale"],
    ["UV_THREADPOOL_SIZE", "0", "a number from 1 to 1024."],
    ["UV_THREADPOOL_SIZE", "many", "a number from 1 to 1024."],
    ["NODE_OPTIONS", "--permission", "--permission is not allowed: Lever itself"],
  ])("%s=%s is refused with the reason", (name, value, reason) => {
    expect(refuseVariable(name, value)).toContain(reason);
    expect(startVariables({ [name]: value })).toBeUndefined();
  });
});

describe("the variables of a service", () => {
  it.each(["TZ", "NO_COLOR", "FORCE_COLOR", "NODE_ENV", "PATH", "TMPDIR", "HTTP_PROXY", "A"])(
    "%s alone needs no runtime of its own",
    (name) => {
      expect(refuseVariable(name, "1")).toBeUndefined();
      expect(startVariables({ [name]: "1" })).toBeUndefined();
    },
  );

  it.each([{ NODE_USE_ENV_PROXY: "1" }, { NODE_OPTIONS: "--use-env-proxy" }])(
    "proxies are given to the process with %j",
    (on) => {
      const proxies = { HTTPS_PROXY: "http://proxy:3128", no_proxy: "localhost" };
      const start = startVariables({ ...on, ...proxies, OTHER: "x" });
      expect(start?.variables).toEqual({ ...on, ...proxies });
    },
  );

  it("modules of NODE_OPTIONS are loaded with the service, not at the start of the process", () => {
    const preload = [{ by: "import", module: "./trace.mjs" }];
    expect(startVariables({ NODE_OPTIONS: "--import ./trace.mjs" })).toEqual({
      variables: undefined,
      preload,
    });
    expect(startVariables({ NODE_OPTIONS: "--no-warnings --import ./trace.mjs" })).toEqual({
      variables: { NODE_OPTIONS: "--no-warnings" },
      preload,
    });
  });
});
