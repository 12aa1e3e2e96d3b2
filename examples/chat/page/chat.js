import { Client } from "/leveros.js";

// ?room=…&name=…&host=… say where to talk, as whom, and through which Lever.
const query = new URLSearchParams(location.search);
const room = query.get("room") ?? "lobby";
const name = query.get("name") ?? `guest ${Math.floor(Math.random() * 1000)}`;
const client = new Client({ forceHost: query.get("host") ?? "127.0.0.1:8080" });

const element = (id) => document.getElementById(id);
const status = (text) => {
  element("status").textContent = text;
};
element("room").textContent = room;
document.title = `${room} – chat`;

const stream = await client.resource("dev.lever", "chat", room).invokeChan("joinChan", name);
status(`you are ${name}`);

element("say").addEventListener("submit", (event) => {
  event.preventDefault();
  stream.write(element("text").value);
  element("text").value = "";
});
addEventListener("pagehide", () => stream.cancel());

try {
  for await (const said of stream) show(said);
  status("the room is closed");
} catch (error) {
  status(error.message);
}

function show({ from, text }) {
  const item = document.createElement("li");
  if (from === undefined) {
    item.className = "room";
  } else {
    item.className = from === name ? "mine" : "";
    const who = document.createElement("b");
    who.textContent = from;
    item.append(who);
  }
  // As text, never as HTML: what others say is theirs.
  item.append(text);
  element("said").append(item);
  item.scrollIntoView();
}
