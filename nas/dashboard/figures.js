// Figures as they are drawn: for a width, in light or dark colours, anew whenever either changes.
const NARROW = 600; // pixels of a place below which a figure is laid out for a telephone
const LEAST_BETWEEN_TICKS = 46;
const config = {
  displaylogo: false,
  showSendToCloud: false,
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "toImage"],
};
const darkColours = JSON.parse(document.getElementById("dark-colours").textContent);
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const figures = new Map(); // of each place, the figure as the page has it

// Draw a figure {data, layout} in its place, an element of the page; again after a change of it.
function drawFigure(holder, figure) {
  figures.set(holder, figure);
  return redraw(holder, holder.clientWidth, prefersDark.matches);
}

function redraw(holder, width, dark) {
  const { data, layout } = fitted(figures.get(holder), width, dark);
  holder.style.height = `${layout.height}px`;
  const draw = holder.classList.contains("js-plotly-plot") ? Plotly.react : Plotly.newPlot;
  return draw(holder, data, layout, config).then(() => {
    placeLabels(holder);
    // Its tools are for a pointer: whoever has none reads the figure's table.
    for (const tool of holder.querySelectorAll(".modebar button")) tool.tabIndex = -1;
  });
}

// A copy of the figure for a place of so many pixels.
function fitted(figure, width, dark) {
  const { data, layout } = structuredClone(figure);
  const narrow = width < NARROW ? layout.meta?.narrow : undefined;
  if (narrow) {
    merge(layout, narrow.layout ?? {});
    data.forEach((trace, index) => merge(trace, narrow.data?.[index] ?? {}));
  }
  layout.width = width;
  layout.autosize = false;
  for (const [name, axis] of Object.entries(layout)) {
    if (/^xaxis\d*$/.test(name) && axis.tickvals && axis.range) thin(axis, layout, width);
  }
  if (dark) {
    data.forEach(darken);
    darken(layout);
  }
  return { data, layout };
}

function merge(into, from) {
  for (const [key, value] of Object.entries(from)) {
    const both = [into[key], value].every((v) => v && typeof v === "object" && !Array.isArray(v));
    if (both) merge(into[key], value);
    else into[key] = value;
  }
}

// Ticks that a wide figure has room for lie on top of each other in a narrow one.
function thin(axis, layout, width) {
  const { l = 64, r = 24 } = layout.margin ?? {};
  const [from, to] = axis.domain ?? [0, 1];
  const pixels = ((width - l - r) * (to - from)) / Math.abs(axis.range[1] - axis.range[0]);
  const at = (tick) => pixels * (axis.type === "log" ? Math.log10(tick) : tick);
  let last = -Infinity;
  const kept = axis.tickvals.map((tick) => {
    const far = at(tick) - last >= LEAST_BETWEEN_TICKS;
    if (far) last = at(tick);
    return far;
  });
  axis.tickvals = axis.tickvals.filter((_, index) => kept[index]);
  axis.ticktext = axis.ticktext?.filter((_, index) => kept[index]);
}

// Put dark colours for light ones wherever a colour stands, and nowhere else.
function darken(node) {
  for (const [key, value] of Object.entries(node)) {
    if (/color(scale)?$/.test(key)) node[key] = recoloured(value);
    if (node[key] && typeof node[key] === "object") darken(node[key]);
  }
}

function recoloured(value) {
  if (Array.isArray(value)) return value.map(recoloured);
  return typeof value === "string" ? (darkColours[value.toLowerCase()] ?? value) : value;
}

function redrawAll() {
  for (const holder of figures.keys()) redraw(holder, holder.clientWidth, prefersDark.matches);
}

prefersDark.addEventListener("change", redrawAll);

// A place that got wider or narrower, with the window or for any other reason.
const resized = new ResizeObserver((places) => {
  for (const { target } of places) {
    const drawn = target._fullLayout?.width;
    if (drawn && target.clientWidth && Math.abs(drawn - target.clientWidth) >= 1) {
      redraw(target, target.clientWidth, prefersDark.matches);
    }
  }
});

// Paper is narrower than the screen and white, and the printer does not wait for what comes late.
window.addEventListener("beforeprint", () => {
  document.body.classList.add("printing");
  for (const holder of figures.keys()) redraw(holder, holder.clientWidth, false);
});
window.addEventListener("afterprint", () => {
  document.body.classList.remove("printing");
  redrawAll();
});
