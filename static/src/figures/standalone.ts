/** A picture of the page as a file of its own: light, whatever the page is, and without anything of its style sheet. */

const COLOURS = ["fill", "stroke", "color"] as const;
const FONT = "system-ui, sans-serif";

/** The markup of a copy of `picture` that looks the same in any program. */
export function standalone(picture: SVGSVGElement): string {
  const root = document.documentElement;
  const theme = root.getAttribute("data-theme");
  root.setAttribute("data-theme", "light");
  try {
    return new XMLSerializer().serializeToString(resolved(picture));
  } finally {
    if (theme === null) root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
  }
}

function resolved(picture: SVGSVGElement): SVGSVGElement {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const [originals, copies] = [all(picture), all(copy)];
  for (const [index, original] of originals.entries()) {
    const target = copies[index];
    if (target) settle(original, target);
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("font-family", FONT);
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", "#ffffff"]] as const) paper.setAttribute(name, value);
  copy.prepend(paper);
  return copy;
}

/** Colours that the page names by variables become what they are; links and classes mean nothing outside. */
function settle(original: Element, copy: Element): void {
  const shown = getComputedStyle(original);
  for (const name of COLOURS) {
    const said = copy.getAttribute(name);
    if (said?.includes("var(") || said === "currentColor") copy.setAttribute(name, shown.getPropertyValue(name));
  }
  copy.removeAttribute("class");
  copy.removeAttribute("href");
}

function all(picture: SVGSVGElement): Element[] {
  return [picture, ...picture.querySelectorAll("*")];
}
