// Looks at every box of the page: which lie over others, which text does not fit. Answers as JSON, in an element of its own.
(() => {
  const result = { texts: 0, overlaps: [], cut: [], rows: [] };
  const name = (e) => `${e.tagName}.${e.getAttribute("class") || ""} "${(e.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40)}"`;
  const shown = (e) => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0; };
  const over = (a, b, by) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > by && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > by;
  const within = (a, b) => a.left >= b.left - 0.5 && a.right <= b.right + 0.5 && a.top >= b.top - 0.5 && a.bottom <= b.bottom + 0.5;
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) result.cut.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);

  for (const e of document.body.querySelectorAll("*")) {
    if (e.closest("svg, script") || !shown(e) || getComputedStyle(e).display === "inline") continue;
    if (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1) {
      if (e.clientWidth > 0) result.cut.push(`${name(e)}: ${e.scrollWidth}×${e.scrollHeight} in ${e.clientWidth}×${e.clientHeight}`);
    }
  }
  // Boxes beside each other; text and the stroke of a mark lie on what is below them by intent.
  for (const parent of document.body.querySelectorAll("*")) {
    if (parent.closest("script")) continue;
    const boxes = [...parent.children].filter((e) => !["SCRIPT", "text", "path"].includes(e.tagName) && shown(e) && !(parent.tagName === "g"));
    for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
      if (over(boxes[i].getBoundingClientRect(), boxes[j].getBoundingClientRect(), 0.5)) result.overlaps.push(`${name(boxes[i])} over ${name(boxes[j])}`);
    }
  }
  // Pieces of text, each as tall as its letters: a line's box reaches above and below them.
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.textContent.trim() || node.parentElement.closest("script")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      if (r.width === 0) continue;
      const letters = { left: r.left, right: r.right, top: r.top + r.height * 0.15, bottom: r.bottom - r.height * 0.15 };
      texts.push({ letters, what: node.textContent.trim().slice(0, 40) });
      const svg = node.parentElement.closest("svg");
      if (svg && !within(letters, svg.getBoundingClientRect())) result.cut.push(`"${node.textContent}" reaches out of its picture`);
      const group = node.parentElement.closest("g");
      const field = group && group.querySelector("rect");
      if (field && !within(letters, field.getBoundingClientRect())) result.cut.push(`"${node.textContent}" reaches out of its field`);
    }
  }
  result.texts = texts.length;
  for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
    if (over(texts[i].letters, texts[j].letters, 0.5)) result.overlaps.push(`"${texts[i].what}" over "${texts[j].what}"`);
  }
  for (const e of document.querySelectorAll("[data-segment], [data-r], [data-score], [data-from], [data-exact]")) {
    const cells = [...e.querySelectorAll("td, text")].map((c) => c.textContent);
    const section = e.closest("section");
    const title = e.closest("svg");
    result.rows.push({ section: section ? section.id : "", picture: title ? title.getAttribute("aria-label") || "" : "", ...e.dataset, text: cells.length ? cells.join("|") : e.textContent });
  }
  const pre = document.createElement("pre");
  pre.id = "inspection";
  pre.textContent = JSON.stringify(result);
  document.body.append(pre);
})();
