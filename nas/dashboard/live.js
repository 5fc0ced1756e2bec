"use strict";
{
  // Behind the page's own script: `figures`, `showFigure` and, where tables have tools,
  // `showTable` are its. Elements of class "tools" are what scripts have put into the page.
  const query = location.search;
  const LOST = "Not connected: the page shows what was there last; trying again";
  const status = document.createElement("p");
  status.id = "live-status";
  status.setAttribute("role", "status");
  status.style.cssText = "position: fixed; right: 12px; bottom: 12px; z-index: 1; padding: 4px 10px;"
    + "font-size: 13px; background: Canvas; color: CanvasText; border: 1px solid GrayText;";
  document.body.append(status);

  const styles = new WeakMap(); // of each place of a figure, as the server gave it
  let shown = document.querySelector('meta[name="version"]').content;
  let wanted = shown;
  let source = null;
  let pulling = false;
  let ended = false;

  function say(text) {
    if (status.textContent !== text) status.textContent = text;
  }

  function isOpaque(node) {
    return node.nodeName === "SCRIPT" || node === status
      || (node.nodeType === Node.ELEMENT_NODE && node.classList.contains("tools"));
  }

  function copyAttributes(from, to) {
    for (const { name } of [...to.attributes]) {
      // Whether a table is unfolded is the reader's choice.
      if (!from.hasAttribute(name) && name !== "open") to.removeAttribute(name);
    }
    for (const { name, value } of from.attributes) {
      if (to.getAttribute(name) !== value) to.setAttribute(name, value);
    }
  }

  // Turns `old` into `fresh`, and keeps every element that is still there: where the reader has
  // scrolled to, what is selected and unfolded, and drawn figures stay.
  function update(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.classList.contains("plot")) {
      // What is in it is Plotly's, and so are its classes; a script may have fitted its size.
      const style = fresh.getAttribute("style");
      if (styles.has(old) && styles.get(old) !== style) old.setAttribute("style", style);
      styles.set(old, style);
      return;
    }
    copyAttributes(fresh, old);
    updateChildren(old, fresh);
  }

  function updateChildren(old, fresh) {
    const there = [...old.childNodes].filter((node) => !isOpaque(node));
    const named = new Map(there.filter((node) => node.id).map((node) => [node.id, node]));
    const others = there.filter((node) => !node.id);
    let place = there[0] ?? null;
    const kept = new Set();
    for (const next of [...fresh.childNodes].filter((node) => !isOpaque(node))) {
      let match = next.id ? named.get(next.id) : others[0];
      if (match && match.nodeName === next.nodeName && Boolean(match.id) === Boolean(next.id)) {
        if (!next.id) others.shift();
        update(match, next);
      } else {
        match = document.importNode(next, true);
      }
      kept.add(match);
      if (match === place) {
        do place = place.nextSibling; while (place && isOpaque(place));
      } else {
        old.insertBefore(match, place);
      }
    }
    for (const node of there) {
      if (!kept.has(node)) node.remove();
    }
  }

  function updateFigures(fresh) {
    const before = new Map();
    for (const data of document.querySelectorAll("script[data-plot]")) {
      before.set(data.dataset.plot, data);
    }
    for (const data of fresh.querySelectorAll("script[data-plot]")) {
      const known = before.get(data.dataset.plot);
      before.delete(data.dataset.plot);
      const holder = document.getElementById(data.dataset.plot);
      if (known && known.textContent === data.textContent && figures.has(holder)) continue;
      const now = document.importNode(data, true);
      if (known) known.replaceWith(now);
      else document.body.append(now);
      showFigure(now);
    }
    for (const data of before.values()) data.remove();
    for (const gone of [...figures.keys()].filter((holder) => !holder.isConnected)) {
      Plotly.purge(gone);
      figures.delete(gone);
    }
  }

  async function pull() {
    if (pulling) return;
    pulling = true;
    try {
      while (wanted !== shown) {
        const answer = await fetch(`content${query}`, { cache: "no-store" });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        const asked = wanted;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        document.title = fresh.title;
        updateChildren(document.body, fresh.body);
        updateFigures(fresh);
        if (typeof showTable === "function") document.querySelectorAll("table").forEach(showTable);
        shown = fresh.querySelector('meta[name="version"]').content;
        // What has come since is announced; until then this is the latest that there is.
        if (wanted === asked) wanted = shown;
        say(`Live, as of ${new Date().toLocaleTimeString()}`);
      }
    } catch {
      if (!ended) say(LOST);
    } finally {
      pulling = false;
    }
  }

  function connect() {
    if (source) return;
    source = new EventSource(`events${query}`);
    source.addEventListener("version", (event) => {
      wanted = event.data;
      ended = false;
      if (wanted === shown) say("Live");
      pull();
    });
    source.addEventListener("end", () => {
      ended = true;
      // The next command that serves this run may do so at the same address.
      say("The command that served this page has ended; it shows what was there then");
    });
    source.addEventListener("error", () => {
      if (status.textContent.startsWith("Live") || !status.textContent) {
        say(LOST);
      }
      // A browser gives up on an answer that is no stream of events.
      if (source?.readyState === EventSource.CLOSED) {
        disconnect();
        setTimeout(() => { if (!document.hidden) connect(); }, 2000);
      }
    });
  }

  function disconnect() {
    source?.close();
    source = null;
  }

  // A page that nobody looks at costs nothing, and takes none of the browser's few connections.
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  connect();
}
