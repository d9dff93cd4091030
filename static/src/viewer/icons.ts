/** Signs on the viewer's buttons, drawn on 16 by 16. */

const PATHS = {
  window: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  pan: "M8 1v14M1 8h14M6 3l2-2 2 2M6 13l2 2 2-2M3 6 1 8l2 2M13 6l2 2-2 2",
  zoom: "M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM11 11l4 4M5 7h4M7 5v4",
  scroll: "M3 5h10M3 8h10M3 11h10M6 2.5 8 1l2 1.5M6 13.5 8 15l2-1.5",
  length: "M2 14 14 2M1 11l4 4M11 1l4 4",
  ellipse: "M8 4c4 0 7 1.8 7 4s-3 4-7 4-7-1.800-7-4 3-4 7-4z",
  probe: "M8 2v4M8 10v4M2 8h4M10 8h4M8 7.500v1M7.500 8h1",
  crosshairs: "M8 1v14M1 8h14M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  invert: "M2 2h12v12H2zM2 14 14 2M5 4v3M3.500 5.500h3M9 11h3.500",
  reset: "M3 8a5 5 0 1 0 1.600-3.700M2 2v4h4",
  maximise: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  compare: "M1 3h6v10H1zM9 3h6v10H9z",
  link: "M6 10l4-4M7 5l2-2a2.800 2.800 0 0 1 4 4l-2 2M9 11l-2 2a2.800 2.800 0 0 1-4-4l2-2",
  "delete-measurement": "M3 4h10M6 4V2h4v2M4 4l1 10h6l1-10M7 7v4M9 7v4",
} as const;

export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>> = {},
  children: readonly (Node | string)[] = [],
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export function icon(name: IconName): SVGSVGElement {
  const path = svg("path", { d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.3, "stroke-linejoin": "round" });
  return svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, [path]);
}
