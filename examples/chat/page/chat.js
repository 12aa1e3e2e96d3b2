import { Client } from "/leveros.js";

// ?room=…&name=…&host=… set the room, the user's name and the address of Lever.
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
  for await (const message of stream) show(message);
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
  // As text, never as HTML: other users have written it.
  item.append(text);
  element("messages").append(item);
  item.scrollIntoView();
}
