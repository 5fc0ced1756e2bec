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
// Paper is narrower than the screen, and a drawn figure does not shrink by itself.
const fit = () => plots.forEach((plot) => Plotly.Plots.resize(plot));
window.addEventListener("beforeprint", () => {
  document.body.classList.add("printing");
  fit();
});
window.addEventListener("afterprint", () => {
  document.body.classList.remove("printing");
  fit();
});
