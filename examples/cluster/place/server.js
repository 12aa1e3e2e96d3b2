// Says where a call runs. As a resource (`/place/lobby/owner`), it has one owner over all hosts, and an epoch that only grows.
const { callContext } = require("leveros");

exports.greet = (name) => `Hello, ${name}, from ${callContext().instance}!`;

exports.owner = (room) => {
  const { instance, epoch } = callContext();
  return { room, instance, epoch };
};
