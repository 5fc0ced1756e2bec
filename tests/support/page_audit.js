// What is wrong with a page, as a person would see it: the value of this expression.
(async () => {
const LEAST_CONTRAST = 4.5;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function rgba(colour) {
  const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
  return { r, g, b, a };
}

function luminance({ r, g, b }) {
  const linear = [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function over(front, back) {
  const mix = (name) => front.a * front[name] + (1 - front.a) * back[name];
  return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
}

// Of the elements around it, the colours of their backgrounds on each other.
function background(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    if (colour.a > 0) layers.push(colour);
    if (colour.a === 1) break;
  }
  return layers.reverse().reduce((back, front) => over(front, back), { r: 255, g: 255, b: 255, a: 1 });
}

// The colours of heat maps are in images: what stands in one at the middle of a text.
async function pixelsOf(image) {
  const picture = new Image();
  picture.src = image.getAttribute("href") ?? image.getAttribute("xlink:href");
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const box = image.getBoundingClientRect();
  return (x, y) => {
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) return undefined;
    const at = [(x - box.left) / box.width * picture.width, (y - box.top) / box.height * picture.height];
    const [r, g, b, a] = context.getImageData(Math.floor(at[0]), Math.floor(at[1]), 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
}

function isShown(element) {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility !== "hidden";
}

function ownText(element) {
  return [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
}

async function lowContrast() {
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    if (/^(SCRIPT|STYLE|NOSCRIPT)$/.test(element.tagName) || element.closest(".hoverlayer, svg, #status")) continue;
    if (!ownText(element) || !isShown(element)) continue;
    const back = background(element);
    const ratio = contrast(over(rgba(getComputedStyle(element).color), back), back);
    if (ratio < LEAST_CONTRAST) found.push(`${ownText(element).slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  for (const plot of document.querySelectorAll(".plot")) {
    const page = background(plot);
    const images = await Promise.all([...plot.querySelectorAll(".hm image")].map(pixelsOf));
    for (const text of textsOf(plot)) {
      const style = getComputedStyle(text), box = text.getBoundingClientRect();
      const middle = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
      const cell = images.map((at) => at(...middle)).find(Boolean);
      const back = cell ? over(cell, page) : page;
      const fill = { ...rgba(style.fill) };
      fill.a *= Number(style.fillOpacity) * Number(style.opacity);
      const ratio = contrast(over(fill, back), back);
      if (ratio < LEAST_CONTRAST) found.push(`${plot.id}, ${text.textContent}: ${ratio.toFixed(2)}`);
    }
  }
  return found;
}

function textsOf(plot) {
  return [...plot.querySelectorAll(".main-svg text")].filter(
    (text) => text.textContent.trim() && !text.closest(".hoverlayer") && isShown(text),
  );
}

function overlapping() {
  const found = [];
  for (const plot of document.querySelectorAll(".plot")) {
    const boxes = textsOf(plot).map((text) => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([a, p], index) => {
      for (const [b, q] of boxes.slice(index + 1)) {
        const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
        const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        // Boxes have the room of accents and descenders, which touch before letters do.
        if (wide > 1 && high > 3) found.push(`${plot.id}: ${a} / ${b}`);
      }
    });
  }
  return found;
}

// Whether the axes end before a text does that ends with them.
function isCut(text, box) {
  for (let at = text; at && at.tagName !== "svg"; at = at.parentElement) {
    const id = /#([^")]+)/.exec(at.getAttribute("clip-path") ?? "")?.[1];
    const seen = id && document.getElementById(id)?.querySelector("rect");
    if (!seen) continue;
    const { e: left, f: top } = at.getScreenCTM();
    const right = left + Number(seen.getAttribute("width")), bottom = top + Number(seen.getAttribute("height"));
    if (box.left < left - 1 || box.right > right + 1 || box.top < top - 1 || box.bottom > bottom + 1) return true;
  }
  return false;
}

function clipped() {
  const found = [...document.querySelectorAll(".headline b")]
    .filter((figure) => figure.scrollWidth > figure.clientWidth).map((figure) => figure.textContent);
  for (const plot of document.querySelectorAll(".plot")) {
    const frame = plot.querySelector(".main-svg").getBoundingClientRect();
    for (const text of textsOf(plot)) {
      const box = text.getBoundingClientRect();
      const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1
        && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
      if (!inside || isCut(text, box)) found.push(`${plot.id}: ${text.textContent}`);
    }
  }
  return found;
}

function scrolling() {
  return [...document.querySelectorAll(".scroll")]
    .filter((box) => box.scrollWidth > box.clientWidth + 1)
    .map((box) => box.firstElementChild.id || box.querySelector("table")?.getAttribute("aria-label") || "?");
}

function unnamed() {
  const said = (ids) => (ids ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join("");
  return [...document.querySelectorAll("[role=img], img, button, summary, nav, [role=region]")]
    .filter((e) => !e.closest(".modebar"))
    .filter((e) => !(e.alt || e.getAttribute("aria-label") || said(e.getAttribute("aria-labelledby")) || (e.getAttribute("role") ? "" : e.textContent)))
    .map((e) => e.outerHTML.slice(0, 80));
}

function headings() {
  let last = 0;
  return [...document.querySelectorAll("h1, h2, h3, h4")].filter((heading) => {
    const level = Number(heading.tagName[1]), skips = level > last + 1;
    last = level;
    return skips;
  }).map((heading) => heading.textContent);
}

await pause(300);
return {
    drawn: [...document.querySelectorAll(".plot")].filter((p) => p.querySelector(".main-svg")).length,
    overflow: document.documentElement.scrollWidth - innerWidth,
    width: innerWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    paper: getComputedStyle(document.body).backgroundColor,
    overlapping: overlapping(),
    clipped: clipped(),
    lowContrast: await lowContrast(),
    scrolling: scrolling(),
    unnamed: unnamed(),
    headings: headings(),
    withoutTable: [...document.querySelectorAll(".plot")]
      .filter((plot) => !plot.closest(".panel").querySelector("table")).map((plot) => plot.id),
    blank: [...document.querySelectorAll("th, td")].filter((cell) => !cell.textContent.trim()).length,
    focusableInImages: [...document.querySelectorAll("[role=img] a[href], [role=img] button, [role=img] [tabindex]")]
      .filter((e) => e.tabIndex >= 0).map((e) => e.outerHTML.slice(0, 60)),
};
})()
