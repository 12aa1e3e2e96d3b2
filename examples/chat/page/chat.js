// ?room=…&name=… set the room and the user's name.
const query = new URLSearchParams(location.search);
const room = query.get("room") ?? "lobby";
const name = query.get("name") ?? `guest ${Math.floor(Math.random() * 1000)}`;

const element = (id) => document.getElementById(id);
const status = (text) => {
  element("status").textContent = text;
};
element("room").textContent = room;
document.title = `${room} – chat`;

// On a host name of its own, a service's page calls methods of its environment below this path.
const path = `/-/lever/chat/${encodeURIComponent(room)}/joinChan`;
const socket = new WebSocket(location.origin.replace("http", "ws") + path);
socket.addEventListener("open", () => {
  socket.send(JSON.stringify([name]));
  status(`you are ${name}`);
});
socket.addEventListener("message", ({ data }) => show(JSON.parse(data)));
socket.addEventListener("close", ({ reason }) => status(reason || "the room is closed"));

element("say").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.send(JSON.stringify(element("text").value));
  element("text").value = "";
});
addEventListener("pagehide", () => socket.close());

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
