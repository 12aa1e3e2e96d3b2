/** A field of a header: its name, and its value. */
export type HeaderField = readonly [name: string, value: string];

/** The static table (RFC 7541, appendix A). */
export const STATIC_TABLE: readonly HeaderField[] = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`
  .split("\n")
  .map((line) => {
    const [, name = "", value = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    return [name, value];
  });

/** The first index of a field by its name, and by its name and value. */
export const STATIC_INDEX: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.flatMap(([name, value], at): [string, number][] => [
    [name, at + 1],
    [`${name} ${value}`, at + 1],
  ]).reverse(),
);
