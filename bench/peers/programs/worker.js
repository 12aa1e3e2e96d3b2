// workerd: the work as a worker.
const methods = {
  "/sayHello": (name) => `Hello, ${name}!`,
  "/lengthOf": (text) => text.length,
};

export default {
  async fetch(request) {
    const method = methods[new URL(request.url).pathname];
    if (method === undefined) return new Response(null, { status: 404 });
    return Response.json(method(...(await request.json())));
  },
};
