/** The list of cases to jump to: type to filter, arrows to choose, Enter opens. Pages come as they are scrolled to. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, replaceChildren, setAttribute, setText } from "../../lib/dom";
import { numberText } from "../../lib/locale";
import { fetchJump } from "../api";
import type { JumpCase } from "../api";

const WAIT_MS = 150;

class JumpList {
  readonly element = el("ul", { class: "jump-list", attrs: { id: "jump-list", role: "listbox", "aria-label": "Cases" } });
  readonly note = el("p", { class: "dim", attrs: { role: "status" } });
  readonly field: HTMLInputElement;
  private readonly url: string;
  private readonly here: number;
  private readonly go: (url: string) => void;
  private cases: JumpCase[] = [];
  private rows: HTMLElement[] = [];
  private after: string | null = null;
  private chosen = 0;
  private turn = 0;
  private query = new URLSearchParams();

  constructor(options: { url: string; here: number; field: HTMLInputElement; go: (url: string) => void }) {
    this.url = options.url;
    this.here = options.here;
    this.field = options.field;
    this.go = options.go;
  }

  async load(query: URLSearchParams): Promise<void> {
    this.query = query;
    await this.more("0");
  }

  /** The next page, or with "0" the first. */
  async more(after = this.after): Promise<void> {
    if (after === null) return;
    const turn = ++this.turn;
    this.after = null;
    const query = new URLSearchParams([...this.query, ["after", after]]);
    const answer = await fetchJump(`${this.url}?${query.toString()}`);
    if (turn !== this.turn) return;
    if (answer.kind !== "jump") return setText(this.note, "The list cannot be reached now.");
    if (after === "0") {
      this.cases = [];
      this.rows = [];
      this.chosen = 0;
      replaceChildren(this.element, []);
    }
    const rows = answer.cases.map((found, place) => this.row(found, this.cases.length + place));
    this.cases.push(...answer.cases);
    this.rows.push(...rows);
    this.element.append(...rows);
    this.after = answer.after;
    setText(this.note, this.cases.length === 0 ? "No case fits." : this.after === null ? "" : "More below.");
    this.choose(this.chosen);
  }

  choose(position: number): void {
    if (this.rows.length === 0) return setAttribute(this.field, "aria-activedescendant", null);
    this.chosen = Math.max(0, Math.min(this.rows.length - 1, position));
    for (const [place, row] of this.rows.entries()) setAttribute(row, "aria-selected", String(place === this.chosen));
    const row = this.rows[this.chosen];
    row?.scrollIntoView({ block: "nearest" });
    setAttribute(this.field, "aria-activedescendant", row?.id ?? null);
    if (this.chosen >= this.rows.length - 5) void this.more();
  }

  step(by: number): void {
    this.choose(this.chosen + by);
  }

  open(): void {
    const found = this.cases[this.chosen];
    if (found) this.go(found.url);
  }

  private row(found: JumpCase, place: number): HTMLElement {
    const isHere = found.case_id === this.here;
    const row = el("li", { attrs: { id: `jump-${found.case_id}`, role: "option", "aria-selected": "false" } }, [
      el("span", { class: "num", text: numberText(found.position) }),
      el("b", { text: found.key }),
      el("span", {}, [found.flagged && el("span", { class: "badge badge-warn", text: "flagged" })]),
      el("span", { class: `badge state-${found.state}`, text: isHere ? "here" : found.state }),
    ]);
    row.addEventListener("mousedown", (event) => event.preventDefault());
    row.addEventListener("click", () => {
      this.choose(place);
      this.open();
    });
    return row;
  }
}

export function openJumpDialog(url: string, here: number, on: { go: (url: string) => void; close: () => void }): Dialog {
  const field = el("input", {
    attrs: {
      type: "search",
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": "jump-list",
      "aria-label": "Id or place of a case",
      placeholder: "Id or place",
      autocomplete: "off",
      maxlength: 255,
    },
  });
  const state = el(
    "select",
    { attrs: { "aria-label": "State" } },
    ["", "new", "draft", "skipped", "submitted"].map((value) => el("option", { text: value || "all states", attrs: { value } })),
  );
  const flagged = el("input", { attrs: { type: "checkbox" } });
  const list = new JumpList({ url, here, field, go: (address) => {
    dialog.close();
    on.go(address);
  } });
  const query = (): URLSearchParams => {
    const wanted = new URLSearchParams({ q: field.value.trim(), state: state.value });
    if (flagged.checked) wanted.set("flagged", "on");
    return wanted;
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reload = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void list.load(query()), WAIT_MS);
  };
  for (const input of [field, state, flagged]) input.addEventListener("input", reload);
  const moves: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
  const dialog: Dialog = openDialog({
    title: "Jump to a case",
    class: "dialog-jump",
    onClose: on.close,
    onKey: (event) => {
      if (event.target !== field) return;
      const by = moves[event.key];
      if (by !== undefined) list.step(by);
      else if (event.key === "Enter") list.open();
      else return;
      event.preventDefault();
    },
    children: [
      el("div", { class: "jump-filter" }, [field, state, el("label", { class: "choice" }, [flagged, "flagged only"])]),
      el("div", { class: "dialog-scroll", attrs: { tabindex: -1 } }, [list.element]),
      list.note,
    ],
  });
  field.focus();
  void list.load(query());
  return dialog;
}
