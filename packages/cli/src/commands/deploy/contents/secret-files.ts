/** Names of files that usually contain secrets. */
const SECRET_NAMES: readonly RegExp[] = [
  /^\.env(?:rc|\..+)?$/,
  /\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)$/i,
  /^id_(?:rsa|dsa|ecdsa|ed25519)$/,
  /^\.(?:netrc|pgpass|my\.cnf|htpasswd|git-credentials|pypirc|dockercfg|s3cfg)$/,
  /^(?:service-?account.*|credentials|client_secret.*)\.json$/i,
];
/** Files that show which variables exist. */
const TEMPLATE = /\.(?:example|sample|template|dist|defaults?|schema)$/;
/** Configurations of package managers, which are secret if they contain a token. */
const CONFIGURATION = /^\.(?:npmrc|yarnrc|yarnrc\.yml)$/;
const TOKEN =
  /(?:_authToken|_auth|_password|npmAuthToken|npmAuthIdent)\s*[=:]\s*["']?(?!\$\{)[^\s"']/;

export type SecretDoubt = "secret" | "secret if it contains a token" | "no secret";

/** Judges a file by its name. */
export function judgeSecret(path: string): SecretDoubt {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (CONFIGURATION.test(name)) return "secret if it contains a token";
  if (TEMPLATE.test(name)) return "no secret";
  return SECRET_NAMES.some((pattern) => pattern.test(name)) ? "secret" : "no secret";
}

/** Whether the configuration of a package manager contains a token. A reference to a variable is none. */
export function containsToken(text: string): boolean {
  return TOKEN.test(text);
}
