// One at a time, so that a page of thousands of points can be read and scrolled from the first on.
const waiting = [...document.querySelectorAll("script[data-plot]")];
function showNext() {
  const data = waiting.shift();
  if (data?.isConnected) showFigure(data);
  if (waiting.length) setTimeout(showNext);
}
showNext();
document.querySelectorAll("table").forEach(showTable);
// A figure that is not drawn yet would be missing on paper: first of all, before colours change.
window.addEventListener(
  "beforeprint",
  () => {
    while (waiting.length) showNext();
  },
  { capture: true },
);

// Draw the figure of a script element in its place, again after a change of it.
function showFigure(data) {
  const holder = document.getElementById(data.dataset.plot);
  drawFigure(holder, JSON.parse(data.textContent));
  resized.observe(holder);
  const tools = holder.closest(".panel").querySelector(".figure-tools");
  if (tools.childElementCount) return;
  const title = document.getElementById(holder.getAttribute("aria-labelledby")).textContent;
  const save = (format) => () => downloadFigure(holder, format);
  tools.append(
    button("PNG", `Download ${title} as PNG`, save("png"), "Downloaded"),
    button("SVG", `Download ${title} as SVG`, save("svg"), "Downloaded"),
  );
}

// Give a table its tools, unless it has them.
function showTable(table) {
  const box = table.parentElement;
  if (box.nextElementSibling?.classList.contains("tools")) return;
  const name = table.getAttribute("aria-label") ?? "the table";
  const tools = document.createElement("p");
  tools.className = "tools";
  tools.append(
    button("Copy as CSV", `Copy ${name} as CSV`, () => copyText(asCsv(table)), "Copied"),
    button("Copy as LaTeX", `Copy ${name} as LaTeX`, () => copyText(asLatex(table)), "Copied"),
  );
  box.after(tools);
}

// A button that says what came of it, to people who look and to those who listen.
function button(text, name, action, done) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", name);
  made.addEventListener("click", async () => {
    const said = await Promise.resolve()
      .then(action)
      .then(() => done, (error) => `Not done: ${error.message}`);
    made.textContent = said;
    document.getElementById("status").textContent = `${said}: ${name}`;
    setTimeout(() => (made.textContent = text), 2000);
  });
  return made;
}
