# Both sockets take a free port, which workerd tells over --control-fd.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "work", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
    )),
    (name = "front", worker = (
      modules = [(name = "front-worker.js", esModule = embed "front-worker.js")],
      compatibilityDate = "2026-01-01",
      bindings = [(name = "BACK", service = "work")],
    )),
  ],
  sockets = [
    (name = "direct", address = "127.0.0.1:0", http = (), service = "work"),
    (name = "binding", address = "127.0.0.1:0", http = (), service = "front"),
  ],
);
