/** The reading page as `templates/annotator/read.html` has it, so that the code under test meets the ids it will meet. */

import source from "../../templates/annotator/read.html?raw";

/** What `base.html` adds to every page. */
const FROM_BASE = '<a id="worklist-link" href="/"></a><div id="toasts"></div>';

export function buildTemplate(): void {
  document.body.className = "";
  const plain = source
    .replace(/\{#.*?#\}/gs, "")
    .replace(/\{%.*?%\}/gs, "")
    .replace(/\{\{.*?\}\}/gs, "0")
    .replace(/<link\b[^>]*>/g, "");
  document.body.innerHTML = FROM_BASE + plain;
  for (const script of document.body.querySelectorAll("noscript")) script.remove();
}
