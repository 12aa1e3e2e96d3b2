import { Client } from "leveros";

const client = new Client({ forceHost: process.env.LEVEROS_IP_PORT ?? "127.0.0.1:8080" });

// The type of the service's module gives names, arguments and results. The editor therefore marks hello.invoke("gret"),
// or a language that greet does not support, as an error.
const hello = client.service<typeof import("./server.ts")>("dev.lever", "helloTs");

for (const language of await hello.invoke("languages")) {
  console.log(await hello.invoke("greet", { name: "Ada", language }));
}
