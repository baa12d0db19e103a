// The tree of a trace: only the rows that are seen are drawn, whatever their number.
// All texts are set as text: nothing of a span is ever markup here.

import { typing } from "./page.js";

const ROW = 26;
const MORE = 12;
const tree = document.getElementById("tree");
const pane = document.getElementById("step");
const filter = document.getElementById("filter");
const count = document.getElementById("count");
const area = document.createElement("div");
area.className = "area";
area.setAttribute("role", "presentation");
tree.append(area);

let rows = [];
let seen = [];
let places = new Map();
let parents = new Set();
let closed = new Set();
let chosen = tree.dataset.chosen;
let cursor = 0;

// --- what is seen -----------------------------------------------------------------------------

async function load() {
  const answer = await fetch(tree.dataset.rows);
  if (!answer.ok) return;
  rows = (await answer.json()).rows;
  parents = new Set(rows.map((row) => row.up).filter((up) => up !== undefined));
  arrange();
}

function arrange() {
  const words = filter.value.trim().toLowerCase();
  const kept = words ? found(words) : null;
  seen = [];
  let hidden = Infinity;
  rows.forEach((row, index) => {
    const depth = row.depth ?? 0;
    if (depth > hidden) return;
    hidden = Infinity;
    if (kept && !kept.has(index)) return;
    seen.push(index);
    if (!kept && closed.has(row.id)) hidden = depth;
  });
  places = new Map(seen.map((index, place) => [rows[index].id, place]));
  count.textContent =
    (kept ? `${kept.matches.toLocaleString("en")} of ` : "") +
    `${rows.length.toLocaleString("en")} span${rows.length === 1 ? "" : "s"}`;
  area.style.height = `${seen.length * ROW}px`;
  if (places.has(chosen)) cursor = places.get(chosen);
  cursor = Math.max(0, Math.min(cursor, seen.length - 1));
  draw();
}

// The steps with the words in them, and all that is above these.
function found(words) {
  const kept = new Set();
  kept.matches = 0;
  rows.forEach((row, index) => {
    const said = [row.label, row.name, row.model, row.hint, row.error, row.id].join(" ").toLowerCase();
    if (!said.includes(words)) return;
    kept.matches += 1;
    for (let at = index; at !== undefined && !kept.has(at); at = rows[at].up) kept.add(at);
  });
  return kept;
}

function draw() {
  const first = Math.max(0, Math.floor(tree.scrollTop / ROW) - MORE);
  const last = Math.min(seen.length, Math.ceil((tree.scrollTop + tree.clientHeight) / ROW) + MORE);
  const made = [];
  for (let place = first; place < last; place += 1) made.push(line(place));
  area.replaceChildren(...made);
  const active = document.getElementById(`row-${cursor}`);
  if (active) tree.setAttribute("aria-activedescendant", active.id);
  else tree.removeAttribute("aria-activedescendant");
}

function cell(name, text, kind = "") {
  const made = document.createElement("span");
  made.className = kind ? `${name} ${kind}` : name;
  made.textContent = text;
  return made;
}

function line(place) {
  const index = seen[place];
  const row = rows[index];
  const made = document.createElement("div");
  made.id = `row-${place}`;
  made.className = "row" + (row.failed ? " failed" : "") + (row.label ? "" : " foreign");
  if (place === cursor) made.classList.add("cursor");
  made.style.transform = `translateY(${place * ROW}px)`;
  made.setAttribute("role", "treeitem");
  made.setAttribute("aria-level", (row.depth ?? 0) + 1);
  made.setAttribute("aria-selected", row.id === chosen);
  if (parents.has(index)) made.setAttribute("aria-expanded", !closed.has(row.id));
  made.dataset.place = place;

  const name = document.createElement("span");
  name.className = "what";
  // Deep trees still have room for names.
  name.style.paddingLeft = `${Math.min(row.depth ?? 0, 16) * 14}px`;
  const fold = cell("fold", parents.has(index) ? (closed.has(row.id) ? "▸" : "▾") : "");
  fold.setAttribute("aria-hidden", "true");
  name.append(fold);
  if (row.label) name.append(cell("kind", row.label, row.kind));
  name.append(cell("name", row.name || row.model || row.id));
  if (row.failed) name.append(cell("bad", row.error || "failed"));
  else {
    if (row.name && row.model) name.append(cell("of", row.model));
    if (row.hint) name.append(cell("of", row.hint));
  }
  made.append(
    name,
    cell("tokens", row.tokens ?? ""),
    cell("cost", row.cost ?? ""),
    cell("time", row.time ?? ""),
    bar(row),
  );
  return made;
}

function bar(row) {
  const made = document.createElement("span");
  made.className = "bar";
  if (row.start === undefined) return made;
  const part = document.createElement("span");
  part.className = `ran ${row.kind ?? "foreign"}`;
  part.style.left = `${row.start * 100}%`;
  part.style.width = `${(row.took ?? 0) * 100}%`;
  made.append(part);
  // On a bar of a few pixels the mark would be all that is seen.
  if (row.first !== undefined && row.took > 0.03) {
    const mark = document.createElement("span");
    mark.className = "first";
    mark.title = "first chunk";
    mark.style.left = `${(row.start + row.first) * 100}%`;
    made.append(mark);
  }
  return made;
}

// --- the chosen step --------------------------------------------------------------------------

let asked = 0;

async function choose(id, query = "", push = true) {
  const url = `${tree.dataset.trace}/${encodeURIComponent(id)}${query}`;
  const mine = (asked += 1);
  clearTimeout(waiting);
  chosen = id;
  if (places.has(id)) cursor = places.get(id);
  reveal();
  draw();
  pane.setAttribute("aria-busy", "true");
  const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": "section#step" } });
  const text = await answer.text();
  // Another one was chosen meanwhile.
  if (mine !== asked) return;
  if (push) history.pushState({ step: id, query }, "", url);
  // It is made by the server, which escapes.
  pane.innerHTML = text;
  pane.dataset.span = id;
  pane.removeAttribute("aria-busy");
  pane.scrollTop = 0;
  htmx.process(pane);
  const title = pane.querySelector("[data-title]")?.dataset.title;
  if (title) document.title = `${title} · otelier`;
}

function reveal() {
  const top = cursor * ROW;
  if (top < tree.scrollTop) tree.scrollTop = top;
  else if (top + ROW > tree.scrollTop + tree.clientHeight)
    tree.scrollTop = top + ROW - tree.clientHeight;
}

function toggle(id, open = closed.has(id)) {
  if (open) closed.delete(id);
  else closed.add(id);
  arrange();
}

function move(to) {
  cursor = Math.max(0, Math.min(to, seen.length - 1));
  reveal();
  draw();
  later(rows[seen[cursor]].id);
}

// Who runs through the steps wants to see the one that they stop at.
let waiting = 0;
function later(id) {
  clearTimeout(waiting);
  waiting = setTimeout(() => id !== chosen && choose(id), 120);
}

function nextError() {
  const from = seen[cursor] ?? -1;
  const order = [...rows.keys()].filter((index) => rows[index].failed);
  if (!order.length) return;
  const index = order.find((each) => each > from) ?? order[0];
  for (let up = rows[index].up; up !== undefined; up = rows[up].up) closed.delete(rows[up].id);
  if (filter.value) filter.value = "";
  chosen = rows[index].id;
  arrange();
  choose(chosen);
}

// --- what the reader does ---------------------------------------------------------------------

tree.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
new ResizeObserver(() => draw()).observe(tree);
filter.addEventListener("input", arrange);
document.getElementById("next-error").addEventListener("click", nextError);
document.body.addEventListener("otelier:changed", load);

tree.addEventListener("click", (event) => {
  const line = event.target.closest(".row");
  if (!line) return;
  const index = seen[Number(line.dataset.place)];
  if (event.target.classList.contains("fold") && parents.has(index)) toggle(rows[index].id);
  else choose(rows[index].id);
});

tree.addEventListener("keydown", (event) => {
  const index = seen[cursor];
  if (index === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = rows[index];
  const page = Math.max(1, Math.floor(tree.clientHeight / ROW) - 1);
  const moves = {
    ArrowDown: cursor + 1,
    ArrowUp: cursor - 1,
    Home: 0,
    End: seen.length - 1,
    PageDown: cursor + page,
    PageUp: cursor - page,
  };
  if (event.key in moves) move(moves[event.key]);
  else if (event.key === "ArrowRight") {
    if (closed.has(row.id)) toggle(row.id, true);
    else if (parents.has(index)) move(cursor + 1);
  } else if (event.key === "ArrowLeft") {
    if (parents.has(index) && !closed.has(row.id)) toggle(row.id, false);
    else if (row.up !== undefined) move(places.get(rows[row.up].id) ?? cursor);
  } else if (event.key === "Enter") choose(row.id);
  else if (event.key === " ") toggle(row.id);
  else return;
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (typing(event)) return;
  if (event.key === "e") nextError();
  else if (event.key === "a") pane.querySelector(".answer")?.scrollIntoView({ block: "start" });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-step]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  choose(link.dataset.step, link.dataset.query ?? "");
});

addEventListener("popstate", () => {
  const parts = location.pathname.split("/");
  const id = decodeURIComponent(parts[3] ?? "") || rows[0]?.id;
  if (id) choose(id, location.search, false);
});

await load();
if (places.has(chosen)) reveal();
draw();
