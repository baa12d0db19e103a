// The page SQL: Ctrl+Enter runs the query.

const form = document.getElementById("ask");
const query = document.getElementById("q");

query.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
if (!query.value) query.focus();
