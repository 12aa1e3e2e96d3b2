import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

const SESSION_SECONDS = 7 * 24 * 3_600;
/** Where none is set, nobody can sign in. */
const password = process.env["MEMBERS_PASSWORD"] ?? randomUUID();

export async function fetch(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "GET /": {
      const member = memberOf(request);
      return member === undefined ? redirect("sign-in") : page(welcome(member));
    }
    case "GET /sign-in":
      return page(form());
    case "POST /sign-in": {
      const fields = new URLSearchParams(await request.text());
      const name = fields.get("name")?.slice(0, 100) ?? "";
      if (name === "" || !isEqual(fields.get("password") ?? "", password)) {
        return page(form("The password is wrong."), 403);
      }
      return redirect("./", cookie(request, sign(name), SESSION_SECONDS));
    }
    case "POST /sign-out":
      return redirect("sign-in", cookie(request, "", 0));
    default:
      return page("<h1>No such page</h1>", 404);
  }
}

// The session is in the cookie, with a signature. So every instance can check it, and none has to keep it.

function sign(name: string): string {
  const expires = Math.floor(Date.now() / 1_000) + SESSION_SECONDS;
  const session = `${Buffer.from(name).toString("base64url")}.${expires}`;
  return `${session}.${signatureOf(session)}`;
}

function memberOf(request: Request): string | undefined {
  const [, name = "", expires = "", signature = ""] =
    /(?:^|; )session=([^.;]+)\.(\d+)\.([^;]+)/.exec(request.headers.get("cookie") ?? "") ?? [];
  const isSigned = isEqual(signature, signatureOf(`${name}.${expires}`));
  if (!isSigned || Number(expires) * 1_000 < Date.now()) return undefined;
  return Buffer.from(name, "base64url").toString();
}

/** Another password makes all sessions invalid. */
function signatureOf(session: string): string {
  return createHmac("sha256", password).update(session).digest("base64url");
}

/** Compares in a time that depends on no character. */
function isEqual(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHmac("sha256", password).update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function cookie(request: Request, value: string, seconds: number): string {
  const secure = request.url.startsWith("https:") ? "; Secure" : "";
  return `session=${value}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** The location is relative, so that it is right at every address of the service. */
function redirect(location: string, setCookie?: string): Response {
  const headers = new Headers({ location });
  if (setCookie !== undefined) headers.set("set-cookie", setCookie);
  return new Response(null, { status: 303, headers });
}

function page(body: string, status = 200): Response {
  const html = `<!doctype html>
    <html lang="en">
      <title>Members</title>
      ${body}
    </html>`;
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return new Response(html, { status, headers });
}

const welcome = (name: string): string => `<h1>Welcome, ${escapeText(name)}</h1>
  <form method="post" action="sign-out"><button>Sign out</button></form>`;

const form = (fault = ""): string => `<h1>Sign in</h1>
  <p role="alert">${fault}</p>
  <form method="post" action="sign-in">
    <label>Your name <input name="name" required maxlength="100"></label>
    <label>Password <input name="password" type="password" required></label>
    <button>Sign in</button>
  </form>`;

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
