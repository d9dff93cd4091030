/** One disputed cell: what each voice says and why, and the keys that decide it. */

import { el, kbd, replaceChildren, setAttribute, setText } from "../../lib/dom";
import { NO_URGENCY, VALUE_CODES, codeInfo, isPositive, urgencyOf, valueNamed } from "../../read/codes";
import type { ValueCode } from "../../read/codes";
import { hint, hintInField } from "../../read/hints";
import type { SchemaTable } from "../../read/schema";
import { CodePointText } from "../../read/spans";
import { glyph, urgencyBars } from "../../read/view/glyph";
import { needsUrgency, sameEvidence } from "../choice";
import type { Chosen } from "../choice";
import { REASON_KEYS } from "../keys";
import type { DisputedCell, ReasonData, Voice } from "../types";
import { titleOf } from "./list";

const KIND_SAYS = {
  presence: "Voices differ in whether it is there.",
  certainty: "Voices differ in certainty.",
  urgency: "Voices differ in urgency.",
  rule: "Voices agree; the rules of the project ask you to check.",
} as const;

export interface CardActions {
  onValue(code: ValueCode): void;
  onUrgency(level: number): void;
  onReason(reason: string): void;
  onNote(text: string): void;
  onEvidenceRemoved(): void;
}

function chip(children: readonly Node[], pressed: () => void): HTMLButtonElement {
  const button = el("button", { class: "chip", attrs: { type: "button", "aria-pressed": "false" } }, children);
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", pressed);
  return button;
}

export class DisputeCard {
  readonly element: HTMLElement;
  readonly note = el("textarea", { class: "comment", attrs: { rows: 1, maxlength: 4000, "aria-label": "Note on the decision" } });
  private readonly schema: SchemaTable;
  private readonly title = el("h2", { class: "card-title", attrs: { tabindex: -1 } });
  private readonly kind = el("p", { class: "dim" });
  private readonly definition = el("p", { class: "dim definition" });
  private readonly voices = el("ul", { class: "voices plain", attrs: { "aria-label": "What the voices say" } });
  private readonly said = el("p", { class: "decided-line", attrs: { role: "status" } });
  private readonly own = el("p", { class: "dim" });
  private readonly values: ReadonlyMap<ValueCode, HTMLButtonElement>;
  private readonly levels: readonly HTMLButtonElement[];
  private readonly reasons: ReadonlyMap<string, HTMLButtonElement>;
  private readonly urgency: HTMLElement;
  private readonly reasonData: readonly ReasonData[];
  private readonly remove: HTMLButtonElement;

  constructor(schema: SchemaTable, reasons: readonly ReasonData[], actions: CardActions) {
    this.schema = schema;
    this.reasonData = reasons;
    this.values = new Map(
      VALUE_CODES.map((code) => {
        const button = chip([hint(`value:${code}`), glyph(code), el("span", { text: codeInfo(code).says })], () => actions.onValue(code));
        button.classList.add(`v-${codeInfo(code).name}`);
        return [code, button];
      }),
    );
    this.levels = schema.data.urgency_levels.map((name, level) =>
      chip([hint(`urgency:${level}`, "short"), urgencyBars(level), el("span", { text: name })], () => actions.onUrgency(level)),
    );
    this.reasons = new Map(
      reasons.map(({ reason, says }) => [reason, chip([kbd(REASON_KEYS[reason] ?? ""), el("span", { text: says })], () => actions.onReason(reason))]),
    );
    this.urgency = el("div", { class: "chips urgency", attrs: { role: "group", "aria-label": "Urgency" } }, [
      el("span", { class: "dim", text: "urgency" }),
      ...this.levels,
    ]);
    hintInField(this.note, "Note", "comment");
    this.note.addEventListener("input", () => actions.onNote(this.note.value));
    const remove = el("button", { class: "button button-quiet", text: "Take my evidence away", attrs: { type: "button" } });
    remove.addEventListener("click", () => actions.onEvidenceRemoved());
    this.element = el("section", { class: "card dispute-card", attrs: { "aria-label": "Cell to decide" } }, [
      el("header", {}, [this.title, this.kind]),
      this.definition,
      this.voices,
      this.said,
      el("div", { class: "chips reasons", attrs: { role: "group", "aria-label": "Reason" } }, [
        el("span", { class: "dim", text: "because" }),
        ...this.reasons.values(),
      ]),
      schema.data.urgency_levels.length > 0 ? this.urgency : null,
      el("div", { class: "chips" }, [this.note]),
      this.own,
      remove,
      el("div", { class: "chips decide", attrs: { role: "group", "aria-label": "Decide" } }, [
        el("span", { class: "dim", text: "decide" }),
        ...this.values.values(),
      ]),
    ]);
    this.remove = remove;
  }

  update(cell: DisputedCell, chosen: Chosen, text: CodePointText): void {
    const index = this.schema.indexOf(cell.cell);
    const hasUrgency = index !== null && this.schema.hasUrgency(index);
    setText(this.title, titleOf(this.schema, cell.cell));
    setText(this.kind, KIND_SAYS[cell.kind]);
    setText(this.definition, index === null ? "" : this.schema.definition(index));
    this.definition.title = this.definition.textContent ?? "";
    replaceChildren(this.voices, cell.voices.map((voice) => this.voice(voice, sameEvidence(cell.voices, voice), text)));
    this.sayDecided(cell);
    const reason = chosen.reason ?? cell.decision?.reason ?? (chosen.value ? cell.reasons[chosen.value] : this.guess(cell));
    for (const [name, button] of this.reasons) {
      setAttribute(button, "aria-pressed", String(name === reason));
      button.hidden = name === "agreed" && cell.kind !== "rule";
    }
    for (const [code, button] of this.values) setAttribute(button, "aria-pressed", String(code === (chosen.value ?? cell.decision?.value)));
    const level = chosen.urgency ?? (cell.decision ? cell.decision.urgency : cell.urgency);
    for (const [place, button] of this.levels.entries()) setAttribute(button, "aria-pressed", String(String(place) === level));
    this.urgency.classList.toggle("off", !hasUrgency);
    this.urgency.classList.toggle("wanted", chosen.value !== null && needsUrgency(cell, chosen.value, chosen, hasUrgency));
    if (this.note.value !== chosen.note) this.note.value = chosen.note;
    const quotes = chosen.evidence.map(([start, end]) => `“${text.slice(start, end).trim()}”`).join(" ");
    setText(this.own, quotes ? `Your evidence: ${quotes}` : "");
    this.remove.hidden = quotes === "";
  }

  /** The reason before any value is chosen: that of most values, if there is one for all that the voices say. */
  private guess(cell: DisputedCell): string | null {
    const guesses = new Set(cell.voices.map((voice) => cell.reasons[voice.value as ValueCode]));
    return guesses.size === 1 ? ([...guesses][0] ?? null) : null;
  }

  private sayDecided({ decision }: DisputedCell): void {
    this.said.hidden = decision === null;
    if (decision === null) return;
    const says = this.reasonData.find(({ reason }) => reason === decision.reason)?.says ?? decision.reason;
    replaceChildren(this.said, [
      "Decided: ",
      glyph(decision.value),
      ` ${codeInfo(decision.value).says}${this.urgencyWords(decision.urgency)}, ${says}`,
      decision.note && ` “${decision.note}”`,
      ". Another value decides anew.",
    ]);
  }

  private urgencyWords(code: string): string {
    const level = code === NO_URGENCY ? null : urgencyOf(code);
    return level === null ? "" : `, ${this.schema.data.urgency_levels[level] ?? level}`;
  }

  /** One voice; evidence that an `earlier` one gave is not written out again. */
  private voice({ letter, value, urgency, evidence, comment, image_value }: Voice, earlier: string | null, text: CodePointText): HTMLElement {
    const quotes = evidence.map(([start, end]) => el("q", { text: text.slice(start, end).trim() }));
    const level = urgency === NO_URGENCY ? null : urgencyOf(urgency);
    const shown = valueNamed(image_value);
    return el("li", { class: "voice" }, [
      el("span", { class: "letter", text: letter }),
      el("span", { class: "answer" }, [
        el("span", { class: `said v-${codeInfo(value).name}` }, [glyph(value), codeInfo(value).says]),
        level === null || !isPositive(value) ? null : el("span", { class: "level" }, [urgencyBars(level), this.urgencyWords(urgency).slice(2)]),
      ]),
      el("span", { class: "why" }, [
        ...(earlier === null ? quotes : [el("span", { class: "dim", text: `same evidence as ${earlier}` })]),
        evidence.length === 0 && el("span", { class: "dim", text: "no evidence given" }),
        comment && el("span", { class: "voice-comment", text: `Comment: ${comment}` }),
        shown && el("span", { class: "tag", text: `image shows: ${codeInfo(shown).says}` }),
      ]),
    ]);
  }
}
