import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { runInThisContext, constants as vmConstants } from "node:vm";
import type { Assignment } from "@leveros/protocol";

/** Variables with the name of a file that Node reads later. It only warns when it cannot read it, or says nothing. */
const NAMES_OF_FILES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/**
 * Checks the files that variables name, and loads the modules that come before the service (`NODE_OPTIONS`). The working
 * folder must be the code.
 * @throws Error with the variable and the reason.
 */
export async function prepareLoad({ codeDir, variables, preload = [] }: Assignment): Promise<void> {
  for (const name of NAMES_OF_FILES) {
    const file = variables[name];
    if (file !== undefined) checkFile(name, file);
  }
  // The name of a file in the code: modules are resolved from there.
  const from = join(codeDir, "NODE_OPTIONS");
  const require = createRequire(from);
  const importFrom = runInThisContext("(module) => import(module)", {
    filename: from,
    importModuleDynamically: vmConstants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as (module: string) => Promise<unknown>;
  for (const { by, module } of preload) {
    if (by === "require") require(module);
    else await importFrom(module);
  }
}

function checkFile(name: string, file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new Error(
      `The variable ${name} names ${file}, which the instance cannot read: ${String(cause)}. Put the file into the folder of the service, and name it relative to that folder.`,
      { cause },
    );
  }
  // Node 20 does not list its certificates.
  if (name === "NODE_EXTRA_CA_CERTS" && getCACertificates?.("extra").length === 0) {
    throw new Error(`The variable ${name} names ${file}, which has no certificate in PEM form.`);
  }
}
