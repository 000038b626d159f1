"use strict";
// Times are shown in the reader's own zone; UTC stands in the title. Without this file they stay UTC.
const clock = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit", second: "2-digit"});
const day = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short"});
function localise(root) {
  root.querySelectorAll("time[datetime]").forEach(time => {
    if (time.title) return;
    const at = new Date(time.dateTime), today = at.toDateString() === new Date().toDateString();
    time.title = time.textContent;
    time.textContent = (today ? "" : day.format(at) + " ") + clock.format(at);
  });
}
localise(document);
document.addEventListener("htmx:after:swap", () => localise(document));
// Each phone shows its newest message.
function newest() { document.querySelectorAll(".screen").forEach(screen => { screen.scrollTop = screen.scrollHeight; }); }
newest();
// On a small screen the menu starts closed; without this file it starts open, which reads as well.
const narrow = matchMedia("(max-width: 48rem)"), menu = document.querySelector(".menu");
function fold() { if (menu) menu.open = !narrow.matches; }
fold();
narrow.addEventListener("change", fold);
// A hidden tab asks for nothing; when it is seen again everything live is asked for at once.
document.addEventListener("htmx:before:request", event => {
  if (document.hidden && event.target.closest?.("[data-hx-trigger*=every]")) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.querySelectorAll("[data-hx-trigger*=every]").forEach(live => live.dispatchEvent(new Event("seen")));
});
// Single keys: "/" goes to the field that finds; a button or link with data-key is pressed by its letter.
document.addEventListener("keydown", event => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); document.querySelector(".find input")?.focus(); return; }
  document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
});
// Ctrl+Enter sends the form that is being written.
document.addEventListener("keydown", event => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.closest?.("form")?.requestSubmit();
});
// A table of cells: Enter and Shift+Enter go down and up, Ctrl+D copies the cell above, Alt+arrow moves the row, and a
// block that was copied in a spreadsheet fills the cells from here on, with new rows where it is longer.
const cellsOf = row => [...row.querySelectorAll('input[name="cell"]')];
function cellBeside(cell, down) {
  const row = cell.closest("tr"), other = down > 0 ? row.nextElementSibling : row.previousElementSibling;
  return other && cellsOf(other)[cellsOf(row).indexOf(cell)];
}
function newRow(row) {
  const added = row.cloneNode(true);
  added.removeAttribute("id");
  added.querySelector("th").firstChild.textContent = "new";
  added.querySelectorAll("input").forEach(input => { input.value = ""; });
  added.querySelectorAll("button").forEach(button => { button.remove(); }); // they come with the next answer
  row.after(added);
  return added;
}
document.addEventListener("keydown", event => {
  const cell = event.target;
  if (cell.name !== "cell") return;
  const go = other => { event.preventDefault(); if (other) { other.focus(); other.select(); } };
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) go(cellBeside(cell, event.shiftKey ? -1 : 1));
  if (event.key === "d" && event.ctrlKey) { event.preventDefault(); const above = cellBeside(cell, -1); if (above) cell.value = above.value; }
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    const row = cell.closest("tr"), other = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
    if (other) { event.key === "ArrowUp" ? other.before(row) : other.after(row); cell.focus(); }
  }
});
document.addEventListener("paste", event => {
  const cell = event.target, text = event.clipboardData?.getData("text/plain") ?? "";
  if (cell.name !== "cell" || !/[\t\n]/.test(text.trimEnd())) return;
  event.preventDefault();
  const column = cellsOf(cell.closest("tr")).indexOf(cell);
  let row = cell.closest("tr");
  text.replace(/\r?\n$/, "").split(/\r?\n/).forEach((line, number) => {
    if (number) row = row.nextElementSibling ?? newRow(row);
    const cells = cellsOf(row);
    line.split("\t").forEach((value, place) => { if (cells[column + place]) cells[column + place].value = value.trim(); });
  });
});
