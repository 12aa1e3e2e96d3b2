# The socket takes a free port, which workerd tells over --control-fd.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "page", worker = (
      modules = [(name = "page.mjs", esModule = embed "page.mjs")],
      compatibilityDate = "2026-01-01",
    )),
  ],
  sockets = [(name = "page", address = "127.0.0.1:0", http = (), service = "page")],
);
