/** Pages as their templates have them, so that the code under test meets the ids it will meet. */

import imagesPane from "../../templates/annotator/_pane_images.html?raw";
import reportPane from "../../templates/annotator/_pane_report.html?raw";
import source from "../../templates/annotator/read.html?raw";

/** What `base.html` adds to every page. */
const FROM_BASE = '<a id="worklist-link" href="/"></a><div id="toasts"></div>';
const INCLUDED: Readonly<Record<string, string>> = {
  "annotator/_pane_images.html": imagesPane,
  "annotator/_pane_report.html": reportPane,
};

/** The reading page, or another that shares its parts. */
export function buildTemplate(page = source): void {
  document.body.className = "";
  const plain = page
    .replace(/\{% include "([^"]+)".*?%\}/g, (_, name: string) => INCLUDED[name] ?? "")
    .replace(/\{#.*?#\}/gs, "")
    .replace(/\{%.*?%\}/gs, "")
    .replace(/\{\{.*?\}\}/gs, "0")
    .replace(/<link\b[^>]*>/g, "");
  document.body.innerHTML = FROM_BASE + plain;
  for (const script of document.body.querySelectorAll("noscript")) script.remove();
}
