// Hovers over the first point of every trace of every figure, then reports on the page.
(async () => {
  await new Promise((done) => setTimeout(done, 500));
  const hovers = [];
  for (const plot of document.querySelectorAll(".plot")) {
    for (let i = 0; i < plot.data.length; i++) {
      try { Plotly.Fx.hover(plot, [{ curveNumber: i, pointNumber: 0 }]); } catch { continue; }
      hovers.push(...[...plot.querySelectorAll(".hoverlayer text")].map((t) => t.textContent));
    }
  }
  const cut = [];
  for (const svg of document.querySelectorAll(".main-svg")) {
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll(":not(.hoverlayer) text")) {
      const box = text.getBoundingClientRect();
      const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1
        && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
      if (box.width && !inside && !text.closest(".hoverlayer")) cut.push(text.textContent);
    }
  }
  return {
    hovers, cut,
    drawn: [...document.querySelectorAll(".plot")].filter((p) => p.querySelector(".xy")).length,
    resources: performance.getEntriesByType("resource").map((entry) => entry.name),
    overflow: document.documentElement.scrollWidth - innerWidth,
    widths: [...document.querySelectorAll(".plot")].map((p) =>
      [p.clientWidth, p.querySelector(".main-svg").clientWidth]),
    owned: Boolean(window.owned),
  };
})()
