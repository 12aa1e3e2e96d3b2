import { Client } from "leveros";
import { Caller, keepCalling } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured } from "../figure.ts";
import { type Scenario, startHost } from "../scenario.ts";

const CONNECTIONS = 32;
const STREAMS = 20;

const changing = (version: number): Buffer =>
  testService(
    `
const version = ${version};
exports.which = async () => { const before = version; await new Promise((done) => setTimeout(done, Math.random() * 20)); return [before, version]; };
exports.echoChan = async (stream) => { for await (const message of stream) stream.write([version, message]); };
`,
    { name: "changing", maxInstanceLoad: 30 },
  );

/** Deploys and rolls back under load. */
export async function deployUnderLoad(changes: number): Promise<readonly Figure[]> {
  await using lever = await startHost();
  using caller = new Caller(lever.address);
  const client = new Client({ forceHost: lever.address });
  const admin = client.service("admin.lever", "admin");
  await deployService(lever, changing(1));
  let failed = 0;
  let mixed = 0;
  let calls = 0;
  const versions = new Set<number>();
  const load = keepCalling(
    CONNECTIONS,
    () => caller.call("/changing/which"),
    ({ status, text }) => {
      calls++;
      if (status !== 200) {
        failed++;
        return;
      }
      const [before, after] = JSON.parse(text) as [number, number];
      if (before !== after) mixed++;
      versions.add(before);
    },
  );
  let broken = 0;
  let isDone = false;
  let messages = 0;
  const streams = Array.from({ length: STREAMS }, async () => {
    const stream = await client.service("dev.lever", "changing").invokeChan("echoChan");
    const heard = stream[Symbol.asyncIterator]();
    let version: unknown;
    try {
      for (let i = 0; !isDone; i++) {
        stream.write(i);
        const { value } = (await heard.next()) as { value: [number, number] };
        version ??= value[0];
        if (value[0] !== version || value[1] !== i) broken++;
        messages++;
      }
      stream.end();
      if (!(await heard.next()).done) broken++;
    } catch {
      broken++;
    }
  });
  let deployed = 1;
  for (let i = 0; i < changes; i++) {
    if (i % 3 === 2) await admin.invoke("rollBackService", "dev.lever", "changing");
    else await deployService(lever, changing(++deployed));
  }
  await load.stop();
  isDone = true;
  await Promise.all(streams);
  return [
    measured("deploys and rollbacks", changes),
    measured("calls", calls),
    atMost("failed calls", failed, 0),
    measured("messages of streams", messages),
    atMost("broken streams", broken, 0),
    atMost("replies of more than one version", mixed, 0),
    atLeast("versions that answered", versions.size, deployed / 2),
  ];
}

export const deploys: Scenario = {
  name: "deploys",
  about: `20 deploys and rollbacks under ${CONNECTIONS} busy connections and ${STREAMS} open streams`,
  run: () => deployUnderLoad(20),
};
