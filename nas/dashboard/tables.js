// Tables as text: comma-separated values with plain numbers, or LaTeX as booktabs has it.
function rowsOf(table) {
  return [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.replace(/\u00ad/g, "").trim()));
}

function asCsv(table) {
  const spelt = (cell) => {
    const text = cell === "–" ? "" : cell.replace(/(?<=\d)\u2009(?=\d)/g, "");
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rowsOf(table).map((row) => row.map(spelt).join(",")).join("\n") + "\n";
}

const LATEX = {
  "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
  "<": "$<$", ">": "$>$", "|": "$|$",
  "±": "$\\pm$", "×": "$\\times$", "·": "$\\cdot$", "−": "$-$", "≥": "$\\geq$", "≤": "$\\leq$",
  "α": "$\\alpha$", "β": "$\\beta$", "γ": "$\\gamma$", "δ": "$\\delta$", "φ": "$\\phi$",
  "τ": "$\\tau$", "²": "$^2$", "–": "--", "…": "\\ldots{}", "\u2009": "\\,", "\u00a0": "~",
};

function latexText(text) {
  return text
    .replace(/[&%$#_{}]/g, (sign) => `\u0000${sign}`)
    .replace(/[\\^<>|~]|[^\x00-\x7f]/g, (sign) => LATEX[sign] ?? sign)
    .replace(/\u0000/g, "\\");
}

function asLatex(table) {
  const [head, ...body] = rowsOf(table);
  const kinds = [...table.rows[0].cells].map((cell) => (cell.classList.contains("word") ? "l" : "r"));
  const line = (row) => `${row.map(latexText).join(" & ")} \\\\`;
  return [
    `\\begin{tabular}{${kinds.join("")}}`, "\\toprule", line(head), "\\midrule",
    ...body.map(line), "\\bottomrule", "\\end{tabular}", "",
  ].join("\n");
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page over plain http has no clipboard: the older way asks for no permission.
    const field = document.createElement("textarea");
    field.className = "sheet";
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    if (!copied) throw new Error("the browser does not let the page copy");
  }
}
