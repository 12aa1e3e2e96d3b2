import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { html } from "hono/html";

/** A method beside the pages. Other services call it, and the API below. */
export function greet(name) {
  return `Hello, ${name}!`;
}

const app = new Hono();

app.get("/", (context) => {
  const name = getCookie(context, "name") ?? "stranger";
  return context.html(html`<!doctype html>
    <title>Greeter</title>
    <h1>${greet(name)}</h1>
    <form method="post" action="name">
      <label>Your name <input name="name" required></label>
      <button>Greet me</button>
    </form>`);
});

app.post("/name", async (context) => {
  const { name } = await context.req.parseBody();
  setCookie(context, "name", String(name).slice(0, 100), { httpOnly: true, sameSite: "Lax" });
  // Relative, so that it works at every address of the service.
  return context.redirect("./", 303);
});

app.get("/api/greetings/:name", (context) =>
  context.json({ greeting: greet(context.req.param("name")) }),
);

export default app;
