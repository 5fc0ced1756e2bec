// Names beside points: each on a side where it covers no other text; where there is none, it is
// left out, for the point's hover label and the figure's table have it too.
const SIDES = [
  "top left", "top center", "top right", "middle right",
  "bottom right", "bottom center", "bottom left", "middle left",
];
const SIGN = { top: -1, bottom: 1, middle: 0, left: -1, right: 1, center: 0 };
const measure = document.createElement("canvas").getContext("2d");

function placeLabels(holder) {
  const named = holder._fullData.filter(
    (trace) => trace.visible === true && trace.type === "scatter" && trace.mode.includes("text"),
  );
  if (!named.length) return undefined;
  const frame = holder.getBoundingClientRect();
  const whole = { left: 0, top: 0, right: frame.width, bottom: frame.height };
  const taken = [...holder.querySelectorAll(".infolayer text, .xtick text, .ytick text")]
    .map((text) => text.getBoundingClientRect())
    .map((box) => ({
      left: box.left - frame.left, right: box.right - frame.left,
      top: box.top - frame.top, bottom: box.bottom - frame.top,
    }));
  const marks = holder._fullData.flatMap((trace) => marksOf(trace, holder._fullLayout));
  for (const trace of named) {
    const room = trace.cliponaxis === false ? whole : plotOf(trace, holder._fullLayout);
    const { sides, text } = placed(trace, holder._fullLayout, room, taken, marks);
    Plotly.restyle(holder, { textposition: [sides], text: [text] }, [trace.index]);
  }
  return undefined;
}

function axesOf(trace, layout) {
  return ["x", "y"].map((name) => layout[`${name}axis${trace[`${name}axis`].slice(1)}`]);
}

// What is seen of a trace that ends where its axes do.
function plotOf(trace, layout) {
  const [x, y] = axesOf(trace, layout);
  return { left: x._offset, right: x._offset + x._length, top: y._offset, bottom: y._offset + y._length };
}

function pixels(trace, layout, index) {
  const [x, y] = axesOf(trace, layout);
  return [x._offset + x.d2p(trace.x[index]), y._offset + y.d2p(trace.y[index])];
}

function marksOf(trace, layout) {
  const isDrawn = trace.visible === true && trace.type === "scatter" && trace.mode.includes("markers");
  if (!isDrawn || trace.x.length > 500) return [];
  return Array.from(trace.x, (_, index) => {
    const [x, y] = pixels(trace, layout, index);
    return { left: x - 3, right: x + 3, top: y - 3, bottom: y + 3 };
  });
}

function placed(trace, layout, room, taken, marks) {
  const { size, family } = trace.textfont;
  measure.font = `${size}px ${family}`;
  const sides = [], text = [];
  Array.from(trace.text, (label, index) => {
    const [x, y] = pixels(trace, layout, index);
    const asked = Array.isArray(trace.textposition) ? trace.textposition[index] : trace.textposition;
    const radius = (trace.mode.includes("markers") ? (trace.marker.size ?? 6) / 2 : 0) / 0.8 + 1;
    const width = measure.measureText(plainText(label)).width;
    const choices = [asked, ...SIDES.filter((side) => side !== asked)].map((side) => {
      const box = boxOf(side, x, y, width, size, radius);
      const covers = taken.some((other) => overlap(box, other)) || !within(box, room);
      const hidden = marks.filter((mark) => overlap(box, mark)).length;
      return { side, box, cost: covers ? Infinity : 3 * hidden + (side === asked ? 0 : 1) };
    });
    const best = choices.reduce((a, b) => (b.cost < a.cost ? b : a));
    sides.push(best.side);
    text.push(best.cost < Infinity ? label : "");
    if (label && best.cost < Infinity) taken.push(best.box);
  });
  return { sides, text };
}

// Where Plotly puts a text of one line on a side of a point.
function boxOf(side, x, y, width, size, radius) {
  const [v, h] = side.split(" ").map((word) => SIGN[word]);
  const base = y + 0.75 * size + v * radius + ((v - 1) * size) / 2;
  const left = x + h * radius + ((h - 1) * width) / 2;
  return { left: left - 2, right: left + width + 2, top: base - size - 1, bottom: base + 0.3 * size };
}

function plainText(label) {
  return String(label).replace(/<[^>]*>/g, "").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function within(box, room) {
  return box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom;
}
