/**
 * What a hostile page runs: everything that it can send to the host at `target`. Returns what each way heard, as far as
 * the browser lets it. `tag` begins the name of each environment that it tries to create.
 */
globalThis.everyWay = function everyWay({ target, tag }) {
  const at = (path, query = "") => `${target}${path}?forceenv=admin.lever${query}`;
  const create = at("/admin/createEnvironment");
  const named = (way) => JSON.stringify([`${tag}-${way}.lever`]);
  const args = `&args=${encodeURIComponent('["dev.lever"]')}`;
  const events = at("/admin/watchEventsChan", args);
  const add = `${target}/counter/addChan?forceenv=dev.lever`;

  const post = async (way, type, init = {}) => {
    const headers = { "content-type": type };
    const answer = await fetch(create, { method: "POST", headers, body: named(way), ...init });
    return `${answer.status} ${await answer.text()}`;
  };
  const get = async (url, init = {}) => {
    const answer = await fetch(url, { headers: { accept: "text/event-stream" }, ...init });
    return `${answer.status} ${await answer.text()}`;
  };
  const source = (url) =>
    new Promise((resolve) => {
      const opened = new EventSource(url);
      opened.onmessage = ({ data }) => resolve(`message ${data}`);
      opened.onopen = () => resolve("open");
      opened.onerror = () => {
        opened.close();
        resolve("error");
      };
    });
  const socket = (url, first, protocols = []) =>
    new Promise((resolve) => {
      const opened = new WebSocket(url.replace(/^http/, "ws"), protocols);
      opened.onopen = () => opened.send(first);
      opened.onmessage = ({ data }) => resolve(`message ${data}`);
      opened.onclose = ({ code }) => resolve(`close ${code}`);
    });
  const element = (name, url) =>
    new Promise((resolve) => {
      const made = document.createElement(name);
      made.onload = () => resolve("load");
      made.onerror = () => resolve("error");
      made.src = url;
      document.body.append(made);
    });
  const form = (way, encoding) =>
    new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.name = `${tag}${way}`;
      document.body.append(frame);
      const made = document.createElement("form");
      Object.assign(made, { method: "POST", action: create, target: frame.name });
      made.enctype = encoding;
      const input = document.createElement("input");
      // As text/plain this is the JSON that the method takes.
      input.name = `["${tag}-${way}.lever", "`;
      input.value = '"]';
      made.append(input);
      document.body.append(made);
      frame.onload = () => resolve("load");
      made.submit();
    });
  const beacon = async (way, type) =>
    String(navigator.sendBeacon(create, new Blob([named(way)], { type })));
  const deploy = async (init) => {
    const body = '["dev.lever", {"report": true}]\nnonsense';
    const answer = await fetch(at("/admin/deployServiceChan"), { method: "POST", body, ...init });
    return `${answer.status} ${await answer.text()}`;
  };
  const bytes = { headers: { "content-type": "application/octet-stream" } };

  const ways = {
    json: post("json", "application/json"),
    bytes: post("bytes", "application/octet-stream"),
    text: post("text", "text/plain"),
    urlencoded: post("urlencoded", "application/x-www-form-urlencoded"),
    "text-no-cors": post("text-no-cors", "text/plain", { mode: "no-cors" }),
    "json-no-cors": post("json-no-cors", "application/json", { mode: "no-cors" }),
    "no-referrer": post("no-referrer", "text/plain", { referrerPolicy: "no-referrer" }),
    keepalive: post("keepalive", "text/plain", { mode: "no-cors", keepalive: true }),
    form: form("form", "text/plain"),
    "form-urlencoded": form("form-urlencoded", "application/x-www-form-urlencoded"),
    "form-multipart": form("form-multipart", "multipart/form-data"),
    beacon: beacon("beacon", "text/plain"),
    deploy: deploy(bytes),
    "deploy-no-cors": deploy({ mode: "no-cors" }),
    events: source(events),
    "events-get": get(events),
    "events-no-cors": get(events, { mode: "no-cors" }),
    "events-socket": socket(events, '["dev.lever"]'),
    "events-lever": socket(events, '["dev.lever"]', ["lever"]),
    "deploy-socket": socket(at("/admin/deployServiceChan"), '["dev.lever"]', ["lever"]),
    script: element("script", events),
    image: element("img", events),
    frame: element("iframe", events),
    // What an environment keeps for pages of one origin is no more to be had.
    service: source(add),
    "service-get": get(add),
    "service-no-cors": get(add, { mode: "no-cors" }),
    "service-socket": socket(add, "[]", ["lever"]),
  };
  return Promise.all(
    Object.entries(ways).map(async ([way, heard]) => [
      way,
      await heard.catch((error) => String(error.name)),
    ]),
  );
};
