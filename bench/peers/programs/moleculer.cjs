// moleculer: `all` = a gateway and the service in one process; `gateway` and `back` = the gateway calls the service in another
// process, over moleculer's TCP transporter; `front` and `back` = so does a service behind the gateway.
const { ServiceBroker } = require("moleculer");
const ApiGateway = require("moleculer-web");

const { ROLE, PORT, NODES } = process.env;

const work = {
  name: "work",
  actions: {
    sayHello: ({ params: { args } }) => `Hello, ${args[0]}!`,
    lengthOf: ({ params: { args } }) => args[0].length,
  },
};
const front = {
  name: "front",
  actions: { sayHello: (context) => context.call("work.sayHello", context.params) },
};
const target = ROLE === "front" ? "front" : "work";
const gateway = {
  mixins: [ApiGateway],
  settings: {
    ip: "127.0.0.1",
    port: Number(PORT),
    routes: [
      {
        path: "/",
        bodyParsers: { json: { limit: "10mb" } },
        // A list of arguments is no object of parameters: it is passed as one of them.
        onBeforeCall: (_context, _route, request) => {
          request.$params = { args: request.body };
        },
        aliases: {
          "POST sayHello": `${target}.sayHello`,
          "POST lengthOf": "work.lengthOf",
        },
      },
    ],
  },
};

const broker = new ServiceBroker({
  nodeID: ROLE,
  logger: false,
  ...(NODES && {
    transporter: {
      type: "TCP",
      options: { udpDiscovery: false, urls: NODES.split(",") },
    },
  }),
});
if (ROLE === "all" || ROLE === "back") broker.createService(work);
if (ROLE === "front") broker.createService(front);
if (ROLE !== "back") broker.createService(gateway);
broker.start();
