/** Everything about the focused cell: its values with their keys, what the machine said and why, comment and flag. */

import { el, replaceChildren, setAttribute, setText } from "../../lib/dom";
import type { ValueCode } from "../codes";
import { CODES, codeInfo, isPositive, urgencyOf } from "../codes";
import type { EvidenceMap } from "../evidence";
import { hint, hintInField } from "../hints";
import type { Command } from "../keys";
import { saysText, scoresOf } from "../labelers";
import type { SchemaTable } from "../schema";
import { hasImageDisagrees, isChanged, noteOf } from "../state";
import type { ReadingState } from "../state";
import type { Prefill } from "../types";
import { createCardEvidence } from "./cardEvidence";
import { glyph, urgencyBars } from "./glyph";
import { createImageShows } from "./imageShows";

export interface CardView {
  readonly element: HTMLElement;
  readonly comment: HTMLTextAreaElement;
  update(state: ReadingState, evidence: EvidenceMap): void;
}

function chip(text: string, key: HTMLElement, pressed: (() => void) | null): HTMLButtonElement {
  const button = el("button", { class: "chip", attrs: { type: "button", tabindex: -1, "aria-pressed": "false" } }, [
    key,
    el("span", { text }),
  ]);
  // The table keeps the keyboard while the mouse presses.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  if (pressed) button.addEventListener("click", pressed);
  return button;
}

export function createCard(
  schema: SchemaTable,
  prefill: Prefill | null,
  actions: {
    run: (command: Command) => void;
    onComment: (text: string) => void;
    onRemoveQuote: (position: number) => void;
    onImageValue: (value: ValueCode) => void;
  },
  parts: { others: HTMLElement; notes: HTMLElement; guideline: HTMLElement } | null = null,
): CardView {
  const title = el("h2", { class: "card-title" });
  const place = el("span", { class: "dim" });
  const definition = el("p", { class: "dim definition" });
  const values = CODES.flatMap(({ code, says, key }) => {
    if (key === null || code === "!" || code === "_") return [];
    const button = chip(says, hint(`value:${code}`), () => actions.run({ do: "value", code }));
    button.insertBefore(glyph(code), button.lastChild);
    button.classList.add(`v-${codeInfo(code).name}`);
    return [{ code, button }];
  });
  const levels = schema.data.urgency_levels.map((name, level) => {
    const button = chip(name, hint(`urgency:${level}`, "short"), () => actions.run({ do: "urgency", level }));
    button.insertBefore(urgencyBars(level), button.lastChild);
    return button;
  });
  const urgency = el("div", { class: "chips urgency", attrs: { role: "group", "aria-label": "Urgency" } }, [
    el("span", { class: "dim" }, ["urgency ", hint("urgency-step:1")]),
    ...levels,
  ]);
  const disagrees = chip("image disagrees", hint("disagrees"), () => actions.run({ do: "disagrees" }));
  const comment = el("textarea", {
    class: "comment",
    attrs: { rows: 1, tabindex: -1, maxlength: 4000, "aria-label": "Comment on this cell" },
  });
  hintInField(comment, "Comment", "comment");
  comment.addEventListener("input", () => actions.onComment(comment.value));
  const machine = el("p", { class: "machine" });
  const imageShows = createImageShows(actions.onImageValue);
  const quotes = createCardEvidence(prefill, actions.onRemoveQuote);

  const element = el("section", { class: "card", attrs: { "aria-label": "Focused cell" } }, [
    el("header", {}, [title, place]),
    definition,
    parts?.guideline,
    el("div", { class: "chips", attrs: { role: "group", "aria-label": "Value" } }, values.map(({ button }) => button)),
    schema.data.urgency_levels.length > 0 ? urgency : null,
    el("div", { class: "chips" }, [disagrees, imageShows.element, comment]),
    machine,
    parts?.others,
    quotes.element,
    parts?.notes,
  ]);

  function update(state: ReadingState, evidence: EvidenceMap): void {
    const index = state.focus;
    const { key } = schema.place(index);
    const value = state.labels.values.charAt(index);
    const level = urgencyOf(state.labels.urgencies.charAt(index));
    const note = noteOf(state, key);
    setText(title, `${schema.targetTitle(index)} · ${schema.findingName(index)}`);
    setText(place, `cell ${index + 1} of ${schema.size}`);
    setText(definition, schema.definition(index));
    definition.title = schema.definition(index);
    for (const { code, button } of values) setAttribute(button, "aria-pressed", String(code === value));
    for (const [position, button] of levels.entries()) {
      setAttribute(button, "aria-pressed", String(position === level));
      button.disabled = !isPositive(value);
    }
    urgency.classList.toggle("off", !schema.hasUrgency(index));
    setAttribute(disagrees, "aria-pressed", String(hasImageDisagrees(note)));
    if (comment.value !== (note.comment ?? "")) comment.value = note.comment ?? "";
    replaceChildren(machine, machineSays(state, index, key));
    imageShows.update(state, index, key);
    quotes.update(key, evidence.quotes(index), evidence.hasOwn(index));
  }

  function machineSays(state: ReadingState, index: number, key: string): (Node | string)[] {
    if (!prefill || !state.prefill) return [];
    const said = prefill.cells[key];
    const code = state.prefill.values.charAt(index);
    const level = urgencyOf(state.prefill.urgencies.charAt(index));
    const scores = scoresOf(said ?? {}).flatMap(({ text, title }) => [" · ", el("span", { class: "score", text, title })]);
    const urgencySays = level === null ? "" : ` · urgency ${schema.data.urgency_levels[level] ?? level}`;
    const words = [`${prefill.name}: ${saysText(code)}`, ...scores, urgencySays];
    const flags = (said?.flags ?? []).map((flag) => el("span", { class: "tag", text: flag.replaceAll("_", " ") }));
    const changed = isChanged(state, index, key) ? [el("span", { class: "tag tag-changed", text: "changed by you" })] : [];
    return [glyph(code), el("span", {}, words), ...flags, ...changed];
  }

  return { element, comment, update };
}
