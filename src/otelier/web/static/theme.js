// Before anything is drawn: the reader's choice of light or dark, where there is one.
const kept = (() => {
  try {
    return localStorage.getItem("otelier-theme");
  } catch {
    return null;
  }
})();
if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
