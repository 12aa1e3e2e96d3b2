import { Client } from "leveros";

const client = new Client({ forceHost: process.env.LEVEROS_IP_PORT ?? "127.0.0.1:8080" });

// From the type of the service's own module, names, arguments and results are known: hello.invoke("gret"), or a
// language that greet does not speak, are errors in the editor already.
const hello = client.service<typeof import("./server.ts")>("dev.lever", "helloTs");

for (const language of await hello.invoke("languages")) {
  console.log(await hello.invoke("greet", { name: "Ada", language }));
}
