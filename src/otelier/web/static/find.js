// A step that a search has led to: what was looked for is marked, and in sight.
// Nothing is put into the page for that: the browser draws it over the text.

const told = new URLSearchParams(location.search);
const asked = told.get("find") ?? "";
// Who said it, as a class of messages.
const by = /^(user|assistant|system|tool)$/.test(told.get("by")) ? `.bubble.${told.get("by")}` : "";
const MOST = 500;

// As the store finds words: by how they begin, and with or without signs on letters.
function plain(text) {
  return text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
}

function terms() {
  const parts = asked.split('"');
  const phrases = parts.filter((_, index) => index % 2).map((part) => part.trim());
  const loose = parts.filter((_, index) => index % 2 === 0).join(" ").split(/\s+/);
  return [...phrases, ...loose]
    .map((term) => plain(term).split(/\s+/).join(" "))
    .filter(Boolean)
    .sort((one, other) => other.length - one.length);
}

// A text as it is compared, with the place in the text of each of its characters.
function folded(text) {
  let said = "";
  const places = [];
  let at = 0;
  for (const letter of text) {
    const told = /\s/u.test(letter) ? " " : plain(letter);
    for (let index = 0; index < told.length; index += 1) places.push(at);
    said += told;
    at += letter.length;
  }
  places.push(at);
  return { said, places };
}

const LETTER = /[\p{L}\p{N}]/u;

function* found(node, wanted, anywhere) {
  const { said, places } = folded(node.data);
  for (let at = 0; at < said.length; ) {
    const free = anywhere || at === 0 || !LETTER.test(said[at - 1]) || !LETTER.test(said[at]);
    const term = free && wanted.find((each) => said.startsWith(each, at));
    if (!term) {
      at += 1;
      continue;
    }
    const range = new Range();
    range.setStart(node, places[at]);
    range.setEnd(node, places[at + term.length]);
    yield range;
    at += term.length;
  }
}

function ranges(root, wanted, anywhere) {
  const all = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node && all.length < MOST; node = walker.nextNode())
    for (const range of found(node, wanted, anywhere)) {
      all.push(range);
      if (all.length === MOST) break;
    }
  return all;
}

function mark() {
  const wanted = terms();
  const pane = document.getElementById("step");
  if (!pane || !wanted.length || !CSS.highlights) return;
  const all = ranges(pane, wanted, false);
  const marked = all.length ? all : ranges(pane, wanted, true);
  CSS.highlights.set("found", new Highlight(...marked));
  const element = place(marked)?.startContainer.parentElement;
  for (let up = element; up; up = up.parentElement) if (up.matches("details")) up.open = true;
  element?.scrollIntoView({ block: "center" });
}

// Of messages the last: a step is found by what was said last in it. Else what is open already.
function place(marked) {
  const within = (kind) => marked.filter((range) => range.startContainer.parentElement.closest(kind));
  return (
    (by && within(by).at(-1)) ||
    within(".bubble").at(-1) ||
    marked.find((range) => !range.startContainer.parentElement.closest("details")) ||
    marked[0]
  );
}

if (asked) mark();
