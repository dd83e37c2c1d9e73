for (const head of document.querySelectorAll("th")) {
  const body = head.closest("table").tBodies[0];
  const first = [...body.rows];
  const key = (row) => {
    const cell = row.cells[head.cellIndex];
    if (head.className !== "number") return cell.textContent;
    return cell.dataset.key === undefined ? NaN : Number(cell.dataset.key);
  };
  const compare = (a, b) => typeof a === "string" ? a.localeCompare(b) : a - b;
  head.querySelector("button").addEventListener("click", () => {
    const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
    const order = next === undefined ? "ascending" : next;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    if (order) head.setAttribute("aria-sort", order);
    const missing = first.filter((row) => Number.isNaN(key(row)));
    const known = first.filter((row) => !Number.isNaN(key(row)));
    const sign = order === "ascending" ? 1 : -1;
    const sorted = order ? [...known.sort((a, b) => sign * compare(key(a), key(b))), ...missing] : first;
    body.append(...sorted);
  });
}
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  const text = button.nextElementSibling;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = "Press Ctrl+C";
    }
  });
}
