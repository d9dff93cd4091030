/** The keys that stand beside words and buttons: those in force, and others as soon as the reader changes them. */

import { el, setText } from "../lib/dom";
import { KeyMap, bindingId } from "./keymap";
import { keyCaps } from "./keys";

let inForce = new KeyMap();

/** The key of a command as it is written in a sentence; empty when it has none. */
export function keyText(command: string): string {
  const chord = inForce.bindings.find((binding) => bindingId(binding) === command)?.chords[0];
  return chord === undefined ? "" : keyCaps(chord).join(" ");
}

function show(element: HTMLElement): void {
  const text = keyText(element.dataset["hint"] ?? "");
  if (element instanceof HTMLTextAreaElement) {
    element.placeholder = text ? `${element.dataset["words"]} (${text})` : (element.dataset["words"] ?? "");
    return;
  }
  setText(element, element.dataset["hintForm"] === "short" ? text.replace("Shift ", "⇧") : text);
  element.hidden = text === "";
}

/** Makes an element tell the key of a command, named as `bindingId` does; "short" writes ⇧ for Shift. */
function asHint<T extends HTMLElement>(element: T, command: string, form: "long" | "short" = "long"): T {
  element.dataset["hint"] = command;
  element.dataset["hintForm"] = form;
  show(element);
  return element;
}

export function hint(command: string, form: "long" | "short" = "long"): HTMLElement {
  return asHint(el("kbd"), command, form);
}

/** The key of a command stands in brackets behind what an empty field says. */
export function hintInField(field: HTMLTextAreaElement, words: string, command: string): void {
  field.dataset["words"] = words;
  asHint(field, command);
}

/** Lets a `kbd` that the template wrote follow the keys. */
export function hintInTemplate(button: HTMLElement, command: string): void {
  const found = button.querySelector<HTMLElement>("kbd");
  if (found) asHint(found, command);
}

/** Other keys from now on, wherever they stand on the page. */
export function showKeys(keys: KeyMap): void {
  inForce = keys;
  for (const element of document.querySelectorAll<HTMLElement>("[data-hint]")) show(element);
}
