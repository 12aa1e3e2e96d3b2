import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A private key and a certificate for it, both PEM. */
export interface SignedKey {
  readonly key: string;
  readonly cert: string;
}

// Tags of DER (X.690).
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
/** The version in a certificate. */
const EXPLICIT_0 = 0xa0;

/** 2.5.4.3 */
const COMMON_NAME = Buffer.from("550403", "hex");
/** 1.3.101.112 (RFC 8410) */
const ED25519 = Buffer.from("2b6570", "hex");

/**
 * Makes an Ed25519 key and a certificate that it signs itself (RFC 5280). The certificate never expires and says nothing but a
 * name: who accepts it knows its fingerprint. Node can read certificates, and cannot make any.
 */
export function signKey(name: string): SignedKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const body = certificateBody(name, publicKey);
  const signature = sign(null, body, privateKey);
  const cert = der(SEQUENCE, body, algorithm(), der(BIT_STRING, Buffer.of(0), signature));
  const lines = cert.toString("base64").replace(/.{64}(?!$)/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

function certificateBody(name: string, publicKey: KeyObject): Buffer {
  const serial = randomBytes(16);
  // Positive, and without a leading zero.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const commonName = der(
    SEQUENCE,
    der(OBJECT_ID, COMMON_NAME),
    der(UTF8_STRING, Buffer.from(name)),
  );
  const names = der(SEQUENCE, der(SET, commonName));
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, Buffer.from("700101000000Z")),
    der(GENERALIZED_TIME, Buffer.from("99991231235959Z")),
  );
  const version3 = der(EXPLICIT_0, der(INTEGER, Buffer.of(2)));
  const key = publicKey.export({ type: "spki", format: "der" });
  return der(SEQUENCE, version3, der(INTEGER, serial), algorithm(), names, validity, names, key);
}

const algorithm = (): Buffer => der(SEQUENCE, der(OBJECT_ID, ED25519));

/** A value with its tag and length. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >>> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
