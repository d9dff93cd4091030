import { codeInfo } from "../codes";

const SVG = "http://www.w3.org/2000/svg";

function shape(tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

const LINE = { fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round" };
const SOLID = { fill: "currentColor" };

/** The parts of each sign on a 16 x 16 field: drawn, so that they look the same with every font. */
const PARTS: Readonly<Record<string, () => SVGElement[]>> = {
  "+": () => [shape("circle", { cx: 8, cy: 8, r: 5.4, ...SOLID })],
  "?": () => [shape("circle", { cx: 8, cy: 8, r: 4.7, ...LINE }), shape("path", { d: "M8 3.3a4.7 4.7 0 0 0 0 9.4z", ...SOLID })],
  "0": () => [shape("circle", { cx: 8, cy: 8, r: 4.7, ...LINE })],
  "~": () => [
    shape("path", { d: "M3 6.4c1.7-2 3.3-2 5 0s3.3 2 5 0", ...LINE }),
    shape("path", { d: "M3 10.6c1.7-2 3.3-2 5 0s3.3 2 5 0", ...LINE }),
  ],
  ".": () => [shape("circle", { cx: 8, cy: 8, r: 1.3, ...SOLID })],
  "!": () => [shape("rect", { x: 7, y: 2.4, width: 2, height: 7.2, rx: 1, ...SOLID }), shape("circle", { cx: 8, cy: 12.6, r: 1.3, ...SOLID })],
  _: () => [shape("rect", { x: 5.2, y: 5.2, width: 5.6, height: 5.6, rx: 1, ...LINE, "stroke-width": 1, "stroke-dasharray": "2 1.6" })],
};

/** The sign of a cell value. Decoration for the eye: the words are in the label of whatever holds it. */
export function glyph(code: string): SVGElement {
  const svg = shape("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", focusable: "false" });
  svg.setAttribute("class", `glyph v-${codeInfo(code).name}`);
  svg.append(...(PARTS[code]?.() ?? []));
  return svg;
}

/** Three small bars, filled up to the level. */
export function urgencyBars(level: number, title = ""): HTMLElement {
  const bars = document.createElement("span");
  bars.className = `bars u${level}`;
  bars.setAttribute("aria-hidden", "true");
  if (title) bars.title = title;
  for (let bar = 1; bar <= 3; bar += 1) {
    const piece = document.createElement("i");
    if (bar <= level) piece.className = "on";
    bars.append(piece);
  }
  return bars;
}

/** A full and an empty dot: labelers differ. */
export function differMark(): HTMLElement {
  const mark = document.createElement("span");
  mark.className = "differ-mark";
  mark.setAttribute("aria-hidden", "true");
  mark.title = "labelers differ";
  mark.append(document.createElement("i"), document.createElement("i"));
  return mark;
}
