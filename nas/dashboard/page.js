"use strict";
const config = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false,
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg" },
};
const figures = new Map(); // of each place, the figure as the page has it

// Draw a figure {data, layout} in its place, an element of the page; again after a change of it.
function drawFigure(holder, figure) {
  figures.set(holder, figure);
  Plotly.react(holder, figure.data, figure.layout, config);
}

function showFigure(data) {
  drawFigure(document.getElementById(data.dataset.plot), JSON.parse(data.textContent));
}

// One at a time, so that a page of thousands of points can be read and scrolled from the first on.
const waiting = [...document.querySelectorAll("script[data-plot]")];
function showNext() {
  const data = waiting.shift();
  if (data?.isConnected) showFigure(data);
  if (waiting.length) setTimeout(showNext);
}
showNext();

// Paper is narrower than the screen, a drawn figure does not shrink by itself, and Plotly's own
// resizing comes too late for the printer.
window.addEventListener("beforeprint", () => {
  while (waiting.length) showNext();
  document.body.classList.add("printing");
  figures.forEach((_, plot) => Plotly.relayout(plot, { width: plot.clientWidth }));
});
window.addEventListener("afterprint", () => {
  document.body.classList.remove("printing");
  figures.forEach((_, plot) => Plotly.relayout(plot, { width: null, autosize: true }));
});
