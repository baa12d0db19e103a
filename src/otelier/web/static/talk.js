// A conversation: what is read stays in its place when messages come in above or below.

import { typing } from "./page.js";

// Pixels from the end at which a reader is taken to follow what is said.
const NEAR = 60;
const root = document.documentElement;
const news = document.getElementById("news");
const bar = document.getElementById("bar");
const places = new WeakMap();
let unread = 0;

const spoken = () => [...document.querySelectorAll(".spoken")];
const top = (element) => element.getBoundingClientRect().top;
const atEnd = () => root.scrollHeight - root.clientHeight - root.scrollTop < NEAR;

document.body.addEventListener("htmx:before:swap", (event) => {
  const all = spoken();
  const line = bar.getBoundingClientRect().bottom;
  const read = all.find((each) => each.getBoundingClientRect().bottom > line);
  const source = event.detail.ctx.sourceElement;
  places.set(event.detail.ctx, {
    read,
    top: read && top(read),
    count: all.length,
    end: atEnd(),
    live: source.id === "tail",
    focused: source === document.activeElement,
  });
});

document.body.addEventListener("htmx:after:swap", (event) => {
  const before = places.get(event.detail.ctx);
  if (!before) return;
  const more = spoken().length - before.count;
  if (before.live && before.end) root.scrollTop = root.scrollHeight;
  else if (before.read?.isConnected) root.scrollTop += top(before.read) - before.top;
  if (before.live && more > 0) tell(before.end ? 0 : unread + more);
  // The last of the links that bring more is gone: who pressed it goes on from where it was.
  if (before.focused && document.activeElement === document.body)
    before.read?.focus({ preventScroll: true });
});

function tell(count) {
  unread = count;
  news.hidden = !count;
  news.textContent = `${count} new message${count === 1 ? "" : "s"} ↓`;
}

addEventListener("scroll", () => unread && atEnd() && tell(0), { passive: true });

// --- errors -----------------------------------------------------------------------------------

function nextError() {
  const failed = [...document.querySelectorAll(".failed")];
  const now = failed.indexOf(document.activeElement);
  failed[(now + 1) % failed.length]?.focus();
}

document.getElementById("next-error").addEventListener("click", nextError);
document.addEventListener("keydown", (event) => {
  if (event.key === "e" && !typing(event)) nextError();
});
