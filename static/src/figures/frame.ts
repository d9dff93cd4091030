/** A plot in its `<figure>`: drawn to the width there is, and downloaded as a picture or as the data behind it. */

import { el } from "../lib/dom";
import { csvOf } from "./csv";
import { standalone } from "./standalone";
import type { Line } from "./types";

export interface Drawing {
  /** A picture `width` pixels wide. */
  readonly draw: (width: number) => Element;
  /** The data behind it. */
  readonly lines: () => readonly Line[];
}

const MOST_WIDTH = 1100;
const LEAST_WIDTH = 320;

/** Shows `drawing` in `figure`, again whenever the room for it changes. Returns what draws it anew. */
export function showPlot(figure: HTMLElement, drawing: Drawing): () => void {
  const name = figure.dataset["name"] ?? "plot";
  const room = el("div", { class: "plot-room" });
  const svg = el("button", { class: "button button-small", text: "SVG", title: "Download the picture", attrs: { type: "button" } });
  const csv = el("button", { class: "button button-small", text: "CSV", title: "Download the data", attrs: { type: "button" } });
  figure.append(room, el("div", { class: "plot-tools" }, [svg, csv]));
  svg.addEventListener("click", () => {
    const picture = room.querySelector("svg");
    if (picture) save(`${name}.svg`, standalone(picture), "image/svg+xml");
  });
  csv.addEventListener("click", () => save(`${name}.csv`, csvOf(drawing.lines()), "text/csv"));

  let drawnAt = 0;
  const redraw = (): void => {
    drawnAt = Math.round(Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, room.clientWidth || MOST_WIDTH)));
    room.replaceChildren(cleaned(drawing.draw(drawnAt)));
  };
  new ResizeObserver(() => {
    if (Math.abs(Math.min(MOST_WIDTH, room.clientWidth) - drawnAt) > 8) redraw();
  }).observe(room);
  redraw();
  return redraw;
}

/**
 * The content security policy allows no style element; what it would say stands in dashboard.css. Groups without a role
 * may have no label.
 */
export function cleaned(picture: Element): Element {
  for (const style of picture.querySelectorAll("style")) style.remove();
  for (const group of picture.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
  return picture;
}

export function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = el("a", { attrs: { href: url, download: name } });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
