// The player as a page of its own: each trace is in the page, the address remembers where the reader of the first one is.

import { mount } from "./player.js";

const NUMBERS = new Set(["step", "message"]);
const address = new URLSearchParams(location.hash.slice(1));
const start = Object.fromEntries([...address].map(([name, text]) => [name, name === "field" ? text.split(".").map(Number) : NUMBERS.has(name) ? Number(text) : text]));
if (start.theme) document.body.dataset.theme = start.theme;
document.documentElement.dataset.theme = document.body.dataset.theme ?? "";

const players = [];
/** Keys that nobody else has asked for go to the player in sight, as if the focus were in it. */
document.addEventListener("keydown", (event) => {
  if (event.target !== document.body && event.target !== document.documentElement) return;
  const middle = innerHeight / 2, inSight = players.find(({ root }) => root.getBoundingClientRect().bottom > middle) ?? players[0];
  inSight?.player.key(event);
});

const traces = [...document.querySelectorAll("script[type='application/json']")];
traces.forEach((data, k) => {
  const root = document.createElement("div");
  data.before(root);
  const player = mount(root, JSON.parse(data.textContent), k > 0 ? { level: 1 } : {
    start, level: 1,
    changed(news) {
      for (const [name, value] of Object.entries(news)) {
        if (value == null) address.delete(name);
        else address.set(name, name === "field" ? value.join(".") : value);
      }
      history.replaceState(null, "", `#${address}`);
    },
  });
  players.push({ root, player });
});
