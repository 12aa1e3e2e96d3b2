import type { PackageCase } from "./package-case.ts";

/** Packages with compiled code for Node. */
export const native: readonly PackageCase[] = [
  {
    name: "bcrypt",
    isQuick: true,
    code: `
      import bcrypt from "bcrypt";
      export const check = (word, hash) => bcrypt.compare(word, hash);
      export const hash = async (word) => bcrypt.compareSync(word, await bcrypt.hash(word, 4));
    `,
    calls: [
      ["hash", ["secret"], true],
      ["check", ["password", "$2b$04$abcdefghijklmnopqrstuu"], false],
    ],
  },
  {
    name: "argon2",
    code: `
      import argon2 from "argon2";
      export const hash = async (word) => {
        const options = { memoryCost: 1024, timeCost: 2, salt: Buffer.alloc(16, 1) };
        const hash = await argon2.hash(word, options);
        return [hash.slice(0, 30), await argon2.verify(hash, word), await argon2.verify(hash, "x")];
      };
    `,
    calls: [["hash", ["secret"], ["$argon2id$v=19$m=1024,p=4,t=2$", true, false]]],
  },
  {
    name: "better-sqlite3",
    code: `
      import Database from "better-sqlite3";
      import { join } from "node:path";
      const open = () => new Database(join(process.env.LEVEROS_DATA_DIR, "notes.sqlite"));
      export const write = (texts) => {
        const database = open();
        database.pragma("journal_mode = WAL");
        database.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)");
        const add = database.prepare("INSERT INTO notes (text) VALUES (?)");
        database.transaction(() => texts.forEach((text) => add.run(text)))();
        database.close();
      };
      export const read = () => {
        const database = open();
        try { return database.prepare("SELECT id, text FROM notes ORDER BY id").all(); }
        finally { database.close(); }
      };
    `,
    calls: [
      ["write", [["one", "two"]], null],
      [
        "read",
        [],
        [
          { id: 1, text: "one" },
          { id: 2, text: "two" },
        ],
      ],
    ],
  },
  {
    name: "classic-level",
    isQuick: true,
    code: `
      import { ClassicLevel } from "classic-level";
      import { join } from "node:path";
      export const keep = async (pairs) => {
        const level = new ClassicLevel(join(process.env.LEVEROS_DATA_DIR, "level"));
        await level.batch(pairs.map(([key, value]) => ({ type: "put", key, value })), { sync: true });
        await level.close();
        await level.open();
        const kept = await level.iterator({ gt: "a" }).all();
        await level.close();
        return kept;
      };
    `,
    calls: [
      [
        "keep",
        [
          [
            ["c", "3"],
            ["a", "1"],
            ["b", "2"],
          ],
        ],
        [
          ["b", "2"],
          ["c", "3"],
        ],
      ],
    ],
  },
  {
    name: "lmdb",
    code: `
      import { open } from "lmdb";
      import { join } from "node:path";
      export const keep = async (key, value) => {
        const database = open({ path: join(process.env.LEVEROS_DATA_DIR, "lmdb") });
        await database.put(key, value);
        const kept = database.get(key);
        await database.close();
        return kept;
      };
    `,
    calls: [["keep", ["k", { deep: [1, "two"] }], { deep: [1, "two"] }]],
  },
  {
    name: "sharp",
    code: `
      import sharp from "sharp";
      export const shrink = async () => {
        const create = { width: 64, height: 32, channels: 3, background: { r: 200, g: 10, b: 30 } };
        const png = await sharp({ create }).resize(16, 8).png().toBuffer();
        const { format, width, height } = await sharp(png).metadata();
        const [r, g, b] = await sharp(png).raw().toBuffer();
        return { format, width, height, pixel: [r, g, b] };
      };
    `,
    calls: [["shrink", [], { format: "png", width: 16, height: 8, pixel: [200, 10, 30] }]],
  },
  {
    name: "@node-rs/xxhash",
    code: `
      import { xxh32, xxh64 } from "@node-rs/xxhash";
      export const hash = (text) => [xxh32(text), xxh64(text).toString(16)];
    `,
    calls: [["hash", [""], [0x02cc5d05, "ef46db3751d8e999"]]],
  },
  {
    name: "sodium-native",
    jsEntry: "server.js",
    code: `
      const sodium = require("sodium-native");
      exports.seal = (text) => {
        const key = Buffer.alloc(sodium.crypto_secretbox_KEYBYTES, 1);
        const nonce = Buffer.alloc(sodium.crypto_secretbox_NONCEBYTES, 2);
        const sealed = Buffer.alloc(text.length + sodium.crypto_secretbox_MACBYTES);
        sodium.crypto_secretbox_easy(sealed, Buffer.from(text), nonce, key);
        const opened = Buffer.alloc(text.length);
        const isOpen = sodium.crypto_secretbox_open_easy(opened, sealed, nonce, key);
        sealed[0] ^= 1;
        return [isOpen, opened.toString(), sodium.crypto_secretbox_open_easy(opened, sealed, nonce, key)];
      };
    `,
    calls: [["seal", ["secret"], [true, "secret", false]]],
  },
  {
    name: "bufferutil",
    jsEntry: "server.js",
    code: `
      const { mask, unmask } = require("bufferutil");
      exports.mask = (text) => {
        const bytes = Buffer.from(text);
        const key = Buffer.from([1, 2, 3, 4]);
        mask(bytes, key, bytes, 0, bytes.length);
        const masked = bytes.toString("hex");
        unmask(bytes, key);
        return [masked, bytes.toString(), require("node-gyp-build").path !== undefined];
      };
    `,
    beside: ["node-gyp-build"],
    calls: [["mask", ["abcde"], ["6060606064", "abcde", true]]],
  },
  {
    name: "msgpackr-extract",
    beside: ["msgpackr"],
    code: `
      import extract from "msgpackr-extract";
      import { isNativeAccelerationEnabled, pack, unpack } from "msgpackr";
      export const copy = (value) => [typeof extract.extractStrings, isNativeAccelerationEnabled, unpack(pack(value))];
    `,
    calls: [
      [
        "copy",
        [{ words: ["ä", "a longer text ".repeat(20)] }],
        ["function", true, { words: ["ä", "a longer text ".repeat(20)] }],
      ],
    ],
  },
];
