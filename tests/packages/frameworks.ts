import type { PackageCase } from "./package-case.ts";

/** Frameworks, used inside methods. Those that only listen get requests over loopback. */
export const frameworks: readonly PackageCase[] = [
  {
    name: "express",
    jsEntry: "server.js",
    code: `
      const { once } = require("node:events");
      const express = require("express");
      const app = express();
      app.use(express.json());
      app.post("/users/:id", (request, response) => {
        response.status(201).json({ id: request.params.id, ...request.body, q: request.query.q });
      });
      exports.post = async (path, body) => {
        const server = app.listen(0, "127.0.0.1");
        await once(server, "listening");
        const url = "http://127.0.0.1:" + server.address().port + path;
        const headers = { "content-type": "application/json" };
        const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
        const answer = [response.status, await response.json()];
        server.close();
        server.closeAllConnections();
        return answer;
      };
    `,
    calls: [["post", ["/users/7?q=x", { name: "Ada" }], [201, { id: "7", name: "Ada", q: "x" }]]],
  },
  {
    name: "fastify",
    code: `
      import Fastify from "fastify";
      const app = Fastify();
      const body = { type: "object", required: ["age"], properties: { age: { type: "integer" } } };
      app.post("/people", { schema: { body } }, async (request) => ({ next: request.body.age + 1 }));
      export const post = async (payload) => {
        const answer = await app.inject({ method: "POST", url: "/people", payload });
        return [answer.statusCode, answer.json().next ?? answer.json().code];
      };
    `,
    calls: [
      ["post", [{ age: 41 }], [200, 42]],
      ["post", [{ age: "old" }], [400, "FST_ERR_VALIDATION"]],
    ],
  },
  {
    name: "hono",
    jsEntry: "server.ts",
    code: `
      import { Hono } from "hono";
      import { etag } from "hono/etag";
      const app = new Hono();
      app.use(etag());
      app.get("/hello/:name", (context) => context.json({ hello: context.req.param("name") }));
      export async function get(path: string): Promise<unknown> {
        const response = await app.request(path);
        return [response.status, response.headers.has("etag"), await response.text()];
      }
    `,
    calls: [
      ["get", ["/hello/Ada"], [200, true, '{"hello":"Ada"}']],
      ["get", ["/nothing"], [404, false, "404 Not Found"]],
    ],
  },
  {
    name: "koa",
    code: `
      import { once } from "node:events";
      import Koa from "koa";
      const app = new Koa();
      app.use(async (context, next) => { await next(); context.set("x-after", "1"); });
      app.use((context) => { context.body = { path: context.path }; });
      export const get = async (path) => {
        const server = app.listen(0, "127.0.0.1");
        await once(server, "listening");
        const response = await fetch("http://127.0.0.1:" + server.address().port + path);
        const answer = [response.headers.get("x-after"), await response.json()];
        server.close();
        server.closeAllConnections();
        return answer;
      };
    `,
    calls: [["get", ["/a/b"], ["1", { path: "/a/b" }]]],
  },
  {
    name: "@nestjs/core",
    beside: ["@nestjs/common", "reflect-metadata", "rxjs"],
    jsEntry: "server.ts",
    files: {
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          target: "es2022",
          module: "nodenext",
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
        },
      }),
    },
    code: `
      import "reflect-metadata";
      import { Injectable, Module } from "@nestjs/common";
      import { NestFactory } from "@nestjs/core";
      @Injectable()
      class Clock { hour(): number { return 9; } }
      @Injectable()
      class Greeter {
        constructor(private readonly clock: Clock) {}
        greet(name: string): string { return (this.clock.hour() < 12 ? "Good morning, " : "Hello, ") + name; }
      }
      @Module({ providers: [Clock, Greeter] })
      class AppModule {}
      const context = NestFactory.createApplicationContext(AppModule, { logger: false });
      export async function greet(name: string): Promise<string> {
        return (await context).get(Greeter).greet(name);
      }
    `,
    calls: [["greet", ["Ada"], "Good morning, Ada"]],
  },
  {
    name: "graphql",
    jsEntry: "server.ts",
    code: `
      import { buildSchema, graphql } from "graphql";
      const schema = buildSchema("type Query { sum(a: Int!, b: Int!): Int! }");
      const rootValue = { sum: ({ a, b }: { a: number; b: number }): number => a + b };
      export async function query(source: string): Promise<unknown> {
        const { data, errors } = await graphql({ schema, source, rootValue });
        return errors === undefined ? { ...data } : errors.map(({ message }) => message);
      }
    `,
    calls: [
      ["query", ["{ sum(a: 40, b: 2) }"], { sum: 42 }],
      ["query", ["{ product }"], ['Cannot query field "product" on type "Query".']],
    ],
  },
  {
    name: "socket.io",
    beside: ["socket.io-client"],
    code: `
      import { once } from "node:events";
      import { createServer } from "node:http";
      import { Server } from "socket.io";
      import { io } from "socket.io-client";
      export const echo = async (value) => {
        const http = createServer().listen(0, "127.0.0.1");
        await once(http, "listening");
        const server = new Server(http);
        server.on("connection", (socket) => socket.on("echo", (value, reply) => reply([value])));
        const client = io("http://127.0.0.1:" + http.address().port, { transports: ["websocket"] });
        try { return await client.timeout(5_000).emitWithAck("echo", value); }
        finally { client.close(); await server.close(); }
      };
    `,
    calls: [["echo", [{ n: 1 }], [{ n: 1 }]]],
  },
];
