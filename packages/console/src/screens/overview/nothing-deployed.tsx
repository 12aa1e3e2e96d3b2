import type { VNode } from "preact";
import { openDeploy } from "../../frame/drop.tsx";
import { Copy } from "../../parts/copy.tsx";
import { Empty } from "../../parts/empty.tsx";
import { environment } from "../../route.ts";

export function NothingDeployed(): VNode {
  const where = environment() === "dev.lever" ? "" : ` -E ${environment()}`;
  const commands = [
    "lever init hello-ts ./hello",
    `lever deploy ./hello${where}`,
    `lever invoke /hello/greet '"world"'${where}`,
  ];
  return (
    <Empty title={`Nothing is deployed in ${environment()} yet`}>
      <p>A service is a folder with a module that exports functions.</p>
      <div class="commands">
        <pre>{commands.join("\n")}</pre>
        <Copy text={commands.join("\n")} label="Copy" />
      </div>
      <p>
        Or drop its folder here.{" "}
        <button type="button" class="as-link" onClick={openDeploy}>
          Choose a folder…
        </button>
      </p>
    </Empty>
  );
}
