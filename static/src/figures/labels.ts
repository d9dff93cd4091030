/** What plots with names beside them share. */

const LETTER = 6.6;

/** Pixels that the longest of `names` needs on the left. */
export function roomFor(names: readonly string[], most = 290): number {
  return Math.min(most, 20 + LETTER * Math.max(4, ...names.map((name) => name.length)));
}

/** The table beside a plot has the same links; a hundred marks are no stops for the keyboard. */
export function withoutTabStops(picture: Element): Element {
  for (const link of picture.querySelectorAll("a")) link.setAttribute("tabindex", "-1");
  return picture;
}
