import { expect, it } from "vitest";
import { parseDatabaseUrl } from "./postgres-url.ts";

it("a URL names a server, with TLS unless it is this machine", () => {
  expect(parseDatabaseUrl("postgres://lever:p%40ss@db.example/state")).toEqual({
    name: "db.example:5432/state",
    host: "db.example",
    port: 5432,
    database: "state",
    user: "lever",
    password: "p@ss",
    tls: { authorities: undefined },
  });
});

it.each([
  ["postgresql://u@127.0.0.1:6000/d", { port: 6000, tls: "off", password: undefined }],
  ["postgres://u@[::1]/d", { host: "::1", tls: "off" }],
  ["postgres://u@%2Frun%2Fpostgresql/d", { host: "/run/postgresql", tls: "off" }],
  ["postgres://u@db/d?sslmode=require", { tls: "unchecked" }],
  ["postgres://u@db/d?sslmode=disable", { tls: "off" }],
  ["postgres://u@127.0.0.1/d?sslmode=verify-full", { tls: { authorities: undefined } }],
])("%s is read", (url, expected) => {
  expect(parseDatabaseUrl(url)).toMatchObject(expected);
});

it.each([
  ["mysql://u@db/d", "it is not of the form postgres://USER@HOST:PORT/DATABASE"],
  ["postgres", "it is not of the form postgres://USER@HOST:PORT/DATABASE"],
  ["postgres://db/d", "it lacks the host, the user or the database"],
  ["postgres://u@db", "it lacks the host, the user or the database"],
  ["postgres://u:%zz@db/d", "Write % as %25"],
  ["postgres://u@db/d?sslmode=prefer", 'sslmode is "prefer", and Lever reads only verify-full'],
  ["postgres://u@db/d?sslrootcert=/none/ca.pem&sslmode=verify-full", "a file is missing (ENOENT)"],
  ["postgres://u@db/d?target_session_attrs=any", "Give one URL for each server"],
])("%s is refused with a reason", (url, reason) => {
  expect(() => parseDatabaseUrl(url)).toThrow(reason);
});
