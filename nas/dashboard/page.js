for (const data of document.querySelectorAll("script[data-plot]")) {
  const holder = document.getElementById(data.dataset.plot);
  drawFigure(holder, JSON.parse(data.textContent));
  resized.observe(holder);
  const title = document.getElementById(holder.getAttribute("aria-labelledby")).textContent;
  const save = (format) => () => downloadFigure(holder, format);
  holder.closest(".panel").querySelector(".figure-tools").append(
    button("PNG", `Download ${title} as PNG`, save("png"), "Downloaded"),
    button("SVG", `Download ${title} as SVG`, save("svg"), "Downloaded"),
  );
}

for (const table of document.querySelectorAll("table")) {
  const name = table.getAttribute("aria-label") ?? "the table";
  const tools = document.createElement("p");
  tools.className = "tools";
  tools.append(
    button("Copy as CSV", `Copy ${name} as CSV`, () => copyText(asCsv(table)), "Copied"),
    button("Copy as LaTeX", `Copy ${name} as LaTeX`, () => copyText(asLatex(table)), "Copied"),
  );
  table.parentElement.after(tools);
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
