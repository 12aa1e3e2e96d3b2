/** A service that minds its own business. Its name is what the attacker looks for in the file system. */
const { createServer } = require("node:net");
const { networkInterfaces } = require("node:os");

// Careless: it listens on every address that it has.
const server = createServer((socket) => socket.end("neighbour")).unref();
server.on("error", () => {});

exports.answer = (number) => number * 2;
exports.alive = () => "alive";
exports.secret = () => "the secret";
exports.address = () =>
  new Promise((resolve) => {
    server.listen(4444, "0.0.0.0", () => resolve(networkInterfaces().eth0[0].address));
  });
