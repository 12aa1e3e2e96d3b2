// Loaded before a peer's own program: a server that asks for no address listens on loopback alone.
import { Server } from "node:net";

const listen = Server.prototype.listen;

Server.prototype.listen = function listenOnLoopback(first, ...rest) {
  if (typeof first === "number" || /^\d+$/.test(first)) {
    const [host] = rest;
    return listen.call(this, first, ...(typeof host === "string" ? rest : ["127.0.0.1", ...rest]));
  }
  if (typeof first === "object" && first !== null && "port" in first && !("fd" in first)) {
    return listen.call(this, { ...first, host: first.host ?? "127.0.0.1" }, ...rest);
  }
  return listen.call(this, first, ...rest);
};
