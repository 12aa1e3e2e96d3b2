import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];

export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority of one test's own, as a company runs one; its folder is gone with it. */
export class CertificateAuthority implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "lever-tls-"));
  readonly certFile: string = join(this.folder, "ca.pem");
  readonly #keyFile: string = join(this.folder, "ca.key");

  constructor() {
    const files = ["-keyout", this.#keyFile, "-out", this.certFile];
    this.#openssl("req", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=Test CA", ...files);
  }

  get cert(): Buffer {
    return readFileSync(this.certFile);
  }

  /** Signs a new certificate for `127.0.0.1`, `localhost` and further names (`DNS:x`, `IP:x`), kept under `name`. */
  issue(name: string, further: readonly string[] = []): KeyPairFiles {
    const file = (suffix: string): string => join(this.folder, `${name}.${suffix}`);
    const [certFile, keyFile] = [file("pem"), file("key")];
    const names = ["DNS:localhost", "IP:127.0.0.1", ...further].join(",");
    writeFileSync(file("ext"), `subjectAltName=${names}\n`);
    this.#openssl(
      "req",
      ...NEW_KEY,
      "-subj",
      `/CN=${name}`,
      "-keyout",
      keyFile,
      "-out",
      file("csr"),
    );
    const by = ["-CA", this.certFile, "-CAkey", this.#keyFile, "-CAcreateserial"];
    const what = ["-in", file("csr"), "-out", certFile, "-extfile", file("ext"), "-days", "2"];
    this.#openssl("x509", "-req", ...by, ...what);
    return { certFile, keyFile };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: "ignore" });
  }
}
