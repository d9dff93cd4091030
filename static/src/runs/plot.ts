/** A line of the reports done over the time that somebody watched. */

import { durationText, numberText } from "../lib/locale";
import { setAttribute, setText } from "../lib/dom";
import type { Sample } from "./pace";

const SVG = "http://www.w3.org/2000/svg";
export const WIDTH = 600;
export const HEIGHT = 90;
const EDGE = 4;

/** Points of the line in the units of the picture; the first report seen is at the bottom, the last at the top. */
export function pointsOf(samples: readonly Sample[]): string {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return "";
  const tookMs = Math.max(1, last.atMs - first.atMs);
  const nDone = Math.max(1, last.nDone - first.nDone);
  return samples
    .map((sample) => {
      const x = (WIDTH * (sample.atMs - first.atMs)) / tookMs;
      const y = HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (sample.nDone - first.nDone)) / nDone;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

export function captionOf(samples: readonly Sample[]): string {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return "";
  const seconds = (last.atMs - first.atMs) / 1000;
  const [from, to] = [numberText(first.nDone), numberText(last.nDone)];
  return `Reports done while this page was open: from ${from} to ${to} in ${durationText(seconds)}`;
}

/** Draws into `figure`, which shows itself when there is something to see. */
export function draw(figure: HTMLElement, samples: readonly Sample[]): void {
  const svg = figure.querySelector("svg");
  const caption = figure.querySelector("figcaption");
  if (!svg || !caption || samples.length < 3) return;
  let line = svg.querySelector("polyline");
  if (!line) {
    line = document.createElementNS(SVG, "polyline");
    svg.append(line);
  }
  setAttribute(line, "points", pointsOf(samples));
  setText(caption, captionOf(samples));
  figure.hidden = false;
}
