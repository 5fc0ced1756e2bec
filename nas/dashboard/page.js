"use strict";
const config = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false,
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg" },
};
const plots = [];
for (const data of document.querySelectorAll("script[data-plot]")) {
  const holder = document.getElementById(data.dataset.plot);
  const figure = JSON.parse(data.textContent);
  Plotly.newPlot(holder, figure.data, figure.layout, config);
  plots.push(holder);
}
// Paper is narrower than the screen, a drawn figure does not shrink by itself, and Plotly's own
// resizing comes too late for the printer.
window.addEventListener("beforeprint", () => {
  document.body.classList.add("printing");
  plots.forEach((plot) => Plotly.relayout(plot, { width: plot.clientWidth }));
});
window.addEventListener("afterprint", () => {
  document.body.classList.remove("printing");
  plots.forEach((plot) => Plotly.relayout(plot, { width: null, autosize: true }));
});
