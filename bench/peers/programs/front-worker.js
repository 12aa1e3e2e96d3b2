// workerd: a worker that calls another one through a service binding.
export default {
  async fetch(request, { BACK }) {
    const { pathname } = new URL(request.url);
    const reply = await BACK.fetch(`http://back${pathname}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(await request.json()),
    });
    return Response.json(await reply.json());
  },
};
