import type { PackageCase } from "./package-case.ts";

/** A server on loopback that answers requests with what they contain. */
const ECHO_SERVER = `
import { once } from "node:events";
import { createServer } from "node:http";
export async function withServer(use) {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => { body += chunk; });
    request.on("end", () => {
      response.writeHead(request.url === "/missing" ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify({ method: request.method, url: request.url, body }));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try { return await use("http://127.0.0.1:" + server.address().port); }
  finally { server.close(); server.closeAllConnections(); }
}
`;

/** Libraries that many services have: data, time, HTTP, logs, documents. */
export const everyday: readonly PackageCase[] = [
  {
    name: "zod",
    jsEntry: "server.ts",
    code: `
      import { z } from "zod";
      const Person = z.object({ name: z.string().min(1), age: z.coerce.number().int().optional() });
      export function parse(value: unknown): unknown {
        const result = Person.safeParse(value);
        return result.success ? result.data : result.error.issues.map(({ path, code }) => [path, code]);
      }
    `,
    calls: [
      ["parse", [{ name: "Ada", age: "36" }], { name: "Ada", age: 36 }],
      ["parse", [{ name: "" }], [[["name"], "too_small"]]],
    ],
  },
  {
    name: "date-fns",
    code: `
      import { addMonths, format, formatISO } from "date-fns";
      import { de } from "date-fns/locale/de";
      export const later = (date) => formatISO(addMonths(new Date(date), 1), { representation: "date" });
      export const german = (date) => format(new Date(date), "EEEE, d. MMMM", { locale: de });
    `,
    calls: [
      ["later", ["2024-01-31T12:00:00Z"], "2024-02-29"],
      ["german", ["2024-03-01T12:00:00Z"], "Freitag, 1. März"],
    ],
  },
  {
    name: "lodash",
    jsEntry: "server.js",
    code: `
      const _ = require("lodash");
      exports.group = (words) => _.mapValues(_.groupBy(words, "length"), _.size);
      exports.chunk = _.chunk;
    `,
    calls: [
      ["group", [["a", "b", "cd"]], { 1: 2, 2: 1 }],
      ["chunk", [[1, 2, 3], 2], [[1, 2], [3]]],
    ],
  },
  {
    name: "uuid",
    code: `
      import { v4, v5, validate, version } from "uuid";
      export const named = (name) => v5(name, v5.URL);
      export const fresh = () => [v4(), v4()].map((id) => validate(id) && version(id));
    `,
    calls: [
      ["named", ["https://www.w3.org/"], "c106a26a-21bb-5538-8bf2-57095d1976c1"],
      ["fresh", [], [4, 4]],
    ],
  },
  {
    name: "nanoid",
    code: `
      import { customAlphabet, nanoid } from "nanoid";
      export const ids = () => [nanoid().length, customAlphabet("a", 5)()];
    `,
    calls: [["ids", [], [21, "aaaaa"]]],
  },
  {
    name: "axios",
    jsEntry: "server.js",
    files: { "echo-server.mjs": ECHO_SERVER },
    code: `
      const axios = require("axios");
      exports.post = async (path, body) => (await import("./echo-server.mjs")).withServer(async (origin) => {
        const { status, data } = await axios.post(origin + path, body, { proxy: false }).catch((error) => error.response);
        return [status, data];
      });
    `,
    calls: [
      ["post", ["/a", { n: 1 }], [200, { method: "POST", url: "/a", body: '{"n":1}' }]],
      ["post", ["/missing", "x"], [404, { method: "POST", url: "/missing", body: "x" }]],
    ],
  },
  {
    name: "undici",
    files: { "echo-server.mjs": ECHO_SERVER },
    code: `
      import { Pool } from "undici";
      import { withServer } from "./echo-server.mjs";
      export const get = (paths) => withServer(async (origin) => {
        const pool = new Pool(origin, { connections: 2 });
        const answers = await Promise.all(paths.map(async (path) => {
          const { statusCode, body } = await pool.request({ path, method: "GET" });
          return [statusCode, (await body.json()).url];
        }));
        await pool.close();
        return answers;
      });
    `,
    calls: [
      [
        "get",
        [["/a", "/missing"]],
        [
          [200, "/a"],
          [404, "/missing"],
        ],
      ],
    ],
  },
  {
    name: "got",
    files: { "echo-server.mjs": ECHO_SERVER },
    code: `
      import got from "got";
      import { withServer } from "./echo-server.mjs";
      export const put = (json) => withServer(async (origin) => await got.put(origin + "/got", { json }).json());
      export const miss = () => withServer((origin) => got(origin + "/missing", { retry: { limit: 0 } }).catch(({ code }) => code));
    `,
    calls: [
      ["put", [{ n: 1 }], { method: "PUT", url: "/got", body: '{"n":1}' }],
      ["miss", [], "ERR_NON_2XX_3XX_RESPONSE"],
    ],
  },
  {
    name: "pino",
    isQuick: true,
    code: `
      import { once } from "node:events";
      import { readFile } from "node:fs/promises";
      import { join } from "node:path";
      import pino from "pino";
      export const log = async (texts) => {
        const destination = join(process.env.LEVEROS_DATA_DIR, "log", "app.log");
        const transport = pino.transport({ target: "pino/file", options: { destination, mkdir: true } });
        await once(transport, "ready");
        const logger = pino({ base: null, timestamp: false }, transport);
        for (const msg of texts) logger.info({ size: msg.length }, msg);
        transport.end();
        await once(transport, "close");
        return (await readFile(destination, "utf8")).trim().split("\\n").map((line) => JSON.parse(line));
      };
    `,
    calls: [
      [
        "log",
        [["one", "three"]],
        [
          { level: 30, size: 3, msg: "one" },
          { level: 30, size: 5, msg: "three" },
        ],
      ],
    ],
  },
  {
    name: "winston",
    jsEntry: "server.js",
    code: `
      const { once } = require("node:events");
      const { readFileSync } = require("node:fs");
      const { join } = require("node:path");
      const winston = require("winston");
      exports.log = async (message) => {
        const filename = join(process.env.LEVEROS_DATA_DIR, "winston.log");
        const file = new winston.transports.File({ filename });
        const logger = winston.createLogger({ transports: [file, new winston.transports.Console()] });
        logger.warn(message, { code: 7 });
        logger.end();
        await once(file, "finish");
        return JSON.parse(readFileSync(filename, "utf8"));
      };
    `,
    calls: [["log", ["hot"], { level: "warn", message: "hot", code: 7 }]],
  },
  {
    name: "dotenv",
    jsEntry: "server.js",
    files: { ".env": "GREETING='Good day'\nLANGUAGE_CODE=en # English\n" },
    code: `
      require("dotenv").config({ quiet: true });
      exports.read = () => [process.env.GREETING, process.env.LANGUAGE_CODE];
    `,
    calls: [["read", [], ["Good day", "en"]]],
  },
  {
    name: "ejs",
    files: {
      "views/page.ejs": `<ul><% for (const item of items) { %><%- include("item", { item }) %><% } %></ul>`,
      "views/item.ejs": "<li><%= item %></li>",
    },
    code: `
      import ejs from "ejs";
      export const render = (items) => ejs.renderFile("views/page.ejs", { items });
    `,
    calls: [["render", [["a", "<b>"]], "<ul><li>a</li><li>&lt;b&gt;</li></ul>"]],
  },
  {
    name: "handlebars",
    jsEntry: "server.js",
    files: { "page.hbs": "{{#each items}}{{@index}}: {{shout this}} {{/each}}" },
    code: `
      const { readFileSync } = require("node:fs");
      const Handlebars = require("handlebars");
      Handlebars.registerHelper("shout", (text) => text.toUpperCase());
      const template = Handlebars.compile(readFileSync(require.resolve("./page.hbs"), "utf8"));
      exports.render = (items) => template({ items });
    `,
    calls: [["render", [["a", "b"]], "0: A 1: B "]],
  },
  {
    name: "pdfkit",
    jsEntry: "server.js",
    code: `
      const PDFDocument = require("pdfkit");
      exports.print = async (text) => {
        const document = new PDFDocument({ compress: false });
        const chunks = [];
        document.on("data", (chunk) => chunks.push(chunk));
        document.fontSize(20).text(text).addPage().text("2");
        document.end();
        await require("node:events").once(document, "end");
        const pdf = Buffer.concat(chunks).toString("latin1");
        return [pdf.slice(0, 5), pdf.match(/\\/Type \\/Page\\n/g).length, pdf.includes("Helvetica")];
      };
    `,
    calls: [["print", ["Hello"], ["%PDF-", 2, true]]],
  },
  {
    name: "exceljs",
    jsEntry: "server.js",
    code: `
      const ExcelJS = require("exceljs");
      const { join } = require("node:path");
      exports.copy = async (rows) => {
        const file = join(require("node:os").tmpdir(), "book.xlsx");
        const book = new ExcelJS.Workbook();
        book.addWorksheet("Numbers").addRows(rows);
        await book.xlsx.writeFile(file);
        const again = await new ExcelJS.Workbook().xlsx.readFile(file);
        return again.getWorksheet("Numbers").getSheetValues().slice(1).map((row) => row.slice(1));
      };
    `,
    calls: [
      [
        "copy",
        [
          [
            ["a", 1],
            ["b", 2],
          ],
        ],
        [
          ["a", 1],
          ["b", 2],
        ],
      ],
    ],
  },
  {
    name: "jsonwebtoken",
    jsEntry: "server.js",
    code: `
      const jwt = require("jsonwebtoken");
      exports.sign = (claims) => jwt.verify(jwt.sign(claims, "key", { noTimestamp: true }), "key");
      exports.forge = (claims) => {
        try { jwt.verify(jwt.sign(claims, "other"), "key"); } catch (error) { return error.name + ": " + error.message; }
      };
    `,
    calls: [
      ["sign", [{ sub: "ada" }], { sub: "ada" }],
      ["forge", [{ sub: "ada" }], "JsonWebTokenError: invalid signature"],
    ],
  },
  {
    name: "chalk",
    code: `
      import { Chalk } from "chalk";
      export const paint = (text) => new Chalk({ level: 1 }).red.bold(text);
    `,
    calls: [["paint", ["x"], "\u001b[31m\u001b[1mx\u001b[22m\u001b[39m"]],
  },
  {
    name: "prom-client",
    jsEntry: "server.js",
    code: `
      const { Counter, Registry, collectDefaultMetrics } = require("prom-client");
      const registry = new Registry();
      collectDefaultMetrics({ register: registry });
      const calls = new Counter({ name: "calls_total", help: "Calls", labelNames: ["kind"], registers: [registry] });
      exports.count = async (kind) => {
        calls.inc({ kind }, 2);
        const text = await registry.metrics();
        return [text.includes('calls_total{kind="a"} 2'), /^process_resident_memory_bytes [0-9]+/m.test(text)];
      };
    `,
    calls: [["count", ["a"], [true, true]]],
  },
];
