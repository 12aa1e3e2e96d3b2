const page = "<!doctype html><title>Hello</title><h1>Hello, world!</h1>";

/** A page, as a service of Lever, a worker and a program on `$PORT` answer it. */
export default {
  fetch() {
    return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
  },
};
