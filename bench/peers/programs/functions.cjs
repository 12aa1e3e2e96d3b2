// functions-framework: the work as an HTTP function.
const methods = {
  "/sayHello": (name) => `Hello, ${name}!`,
  "/lengthOf": (text) => text.length,
};

exports.work = (request, response) => {
  const method = methods[request.path];
  if (method === undefined) {
    response.sendStatus(404);
    return;
  }
  response.json(method(...request.body));
};
