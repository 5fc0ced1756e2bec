// Figures as files for a paper: as wide as two of its columns, in light colours, on white.
const PAPER_MM = 174;
const PAPER_DPI = 300; // of a PNG
const CSS_DPI = 96;

async function downloadFigure(holder, format) {
  const width = Math.round((PAPER_MM / 25.4) * CSS_DPI);
  const sheet = document.createElement("div");
  sheet.className = "sheet";
  sheet.style.width = `${width}px`;
  document.body.append(sheet);
  try {
    const { data, layout } = fitted(figures.get(holder), width, false);
    Object.assign(layout, { paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" });
    await Plotly.newPlot(sheet, data, layout, { staticPlot: true });
    placeLabels(sheet);
    const scale = format === "png" ? PAPER_DPI / CSS_DPI : 1;
    const url = await Plotly.toImage(sheet, { format, width, height: layout.height, scale });
    const content = url.slice(url.indexOf(",") + 1);
    const blob = format === "png" ? pngAt300Dpi(content) : svgInMillimetres(content);
    save(blob, `${fileStem(holder)}.${format}`);
  } finally {
    Plotly.purge(sheet);
    sheet.remove();
  }
}

function fileStem(holder) {
  const run = document.title.split(" · ")[0].replace(/[^\p{L}\p{N}_.-]+/gu, "-");
  return `${run}-${holder.id}`;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function svgInMillimetres(content) {
  const mm = (pixels) => `${((Number(pixels) / CSS_DPI) * 25.4).toFixed(2)}mm`;
  const text = decodeURIComponent(content).replace(/<svg[^>]*>/, (head) =>
    head.replace(/ (width|height)="([\d.]+)"/g, (_, name, value) => ` ${name}="${mm(value)}"`),
  );
  return new Blob([text], { type: "image/svg+xml" });
}

// A browser's PNG does not say how large it is on paper: its pHYs chunk does, put after IHDR.
function pngAt300Dpi(content) {
  const png = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const chunk = new DataView(new ArrayBuffer(21));
  const perMetre = Math.round(PAPER_DPI / 0.0254);
  chunk.setUint32(0, 9);
  chunk.setUint32(4, 0x70485973); // pHYs
  chunk.setUint32(8, perMetre);
  chunk.setUint32(12, perMetre);
  chunk.setUint8(16, 1); // metres
  chunk.setUint32(17, crc32(new Uint8Array(chunk.buffer, 4, 13)));
  return new Blob([png.slice(0, 33), chunk.buffer, png.slice(33)], { type: "image/png" });
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
