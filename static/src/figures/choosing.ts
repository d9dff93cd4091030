/** What is chosen above a plot: small lists in its caption. */

import { el } from "../lib/dom";

export type Options = Readonly<Record<string, string>>;

/** A list with a label, added to `caption`; `chosen` is told of each choice. Returns it. */
export function addChoice(caption: Element, { label, options, chosen }: { label: string; options: Options; chosen: () => void }): HTMLSelectElement {
  const select = el(
    "select",
    {},
    Object.entries(options).map(([value, words]) => el("option", { text: words, attrs: { value } })),
  );
  caption.append(el("label", { class: "plot-choice" }, [label, select]));
  select.addEventListener("change", chosen);
  return select;
}
