import type { Scenario } from "../scenario.ts";
import { browsers } from "./browsers.ts";
import { cluster } from "./cluster.ts";
import { coldStart } from "./cold-start.ts";
import { command } from "./command.ts";
import { consoleScenario } from "./console.ts";
import { containers } from "./containers.ts";
import { cost } from "./cost.ts";
import { density } from "./density.ts";
import { deploySize } from "./deploy-size.ts";
import { deploys } from "./deploys.ts";
import { devSaves } from "./dev-saves.ts";
import { grpc } from "./grpc.ts";
import { httpApps } from "./http-apps.ts";
import { http2 } from "./http2.ts";
import { kills } from "./kills.ts";
import { largeMessages } from "./large-messages.ts";
import { limit } from "./limit.ts";
import { logFlood } from "./log-flood.ts";
import { manyResources } from "./many-resources.ts";
import { neighbours } from "./neighbours.ts";
import { newConnections } from "./new-connections.ts";
import { newHttps } from "./new-https.ts";
import { observe } from "./observe.ts";
import { openLoad } from "./open-load.ts";
import { overload } from "./overload.ts";
import { programs } from "./programs.ts";
import { resources } from "./resources.ts";
import { roomScenario } from "./room.ts";
import { scaleUp } from "./scale-up.ts";
import { scrape } from "./scrape.ts";
import { serviceToService } from "./service-to-service.ts";
import { silence } from "./silence.ts";
import { streams } from "./streams.ts";
import { typescript } from "./typescript.ts";
import { unaryHttp } from "./unary-http.ts";
import { uploads } from "./uploads.ts";
import { webSocketChurn } from "./websocket-churn.ts";
import { workers } from "./workers.ts";

export const scenarios: readonly Scenario[] = [
  unaryHttp,
  limit,
  containers,
  serviceToService,
  cluster,
  grpc,
  http2,
  httpApps,
  streams,
  roomScenario,
  cost,
  observe,
  scrape,
  logFlood,
  workers,
  coldStart,
  scaleUp,
  density,
  typescript,
  neighbours,
  manyResources,
  openLoad,
  overload,
  deploys,
  devSaves,
  consoleScenario,
  kills,
  silence,
  resources,
  browsers,
  newConnections,
  newHttps,
  uploads,
  largeMessages,
  webSocketChurn,
  command,
  programs,
  deploySize,
];
