// What every page does: it looks for news, copies, searches by a key, and is light or dark.

const root = document.documentElement;

document.getElementById("theme")?.addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme ?? (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("otelier-theme", root.dataset.theme);
  } catch {
    // It holds for this page, then.
  }
});

// --- news -------------------------------------------------------------------------------------

const EVERY = 1000;
const LATER = 5000;
const watched = document.querySelector("[data-live]");
// Of the whole store it is known what the page was made of.
let seen = (watched?.dataset.live === "" && document.body.dataset.version) || null;
let wait = EVERY;

async function look() {
  if (!document.hidden) {
    try {
      // What the page is of, as a query: nothing for the whole store.
      const url = "/live" + watched.dataset.live;
      const answer = await fetch(url, { headers: { Accept: "text/plain" } });
      if (answer.ok) {
        const now = await answer.text();
        if (seen !== null && now !== seen)
          document.body.dispatchEvent(new CustomEvent("otelier:changed"));
        seen = now;
      }
      wait = answer.ok ? EVERY : LATER;
    } catch {
      // The server has ended, or is being started again.
      wait = LATER;
    }
  }
  setTimeout(look, wait);
}

if (watched) look();

// What the reader has opened stays open when news come.
globalThis.htmx?.registerExtension("otelier-open", {
  htmx_before_morph_attr: (element, { attrName }) =>
    attrName !== "open" || element.tagName !== "DETAILS",
});

// --- copying ----------------------------------------------------------------------------------

async function copy(button) {
  const said = button.parentElement.querySelector("[data-copied]");
  said.replaceChildren();
  const answer = await fetch(button.dataset.copy);
  const text = await answer.text();
  if (!answer.ok) {
    said.textContent = "could not be read";
    return;
  }
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "copied";
  } catch {
    // Without TLS a browser lets pages of this machine alone copy: then the reader does.
    const shown = document.createElement("textarea");
    shown.value = text;
    shown.readOnly = true;
    shown.className = "copied";
    said.replaceChildren(shown);
    shown.select();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copy(button);
});

// --- keys -------------------------------------------------------------------------------------

export function typing(event) {
  return (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.closest?.("input, textarea, select, [contenteditable]") !== null
  );
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("input[type=search]")) event.target.blur();
  if (typing(event)) return;
  if (event.key === "/") {
    event.preventDefault();
    const own = document.querySelector("main form.find input[type=search]");
    (own ?? document.querySelector("form.find input")).focus();
  } else if (event.key === "j" || event.key === "k") {
    step(event.key === "j" ? 1 : -1);
  }
});

// Lists: j and k go through the links of their rows.
function step(by) {
  const links = [...document.querySelectorAll("table.list a.name")];
  if (!links.length) return;
  const now = links.indexOf(document.activeElement);
  const next = now < 0 ? (by > 0 ? 0 : links.length - 1) : now + by;
  links[Math.min(Math.max(next, 0), links.length - 1)].focus();
}
