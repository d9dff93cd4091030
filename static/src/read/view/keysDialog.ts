/** The `?` overlay, made from the keys in force and from the letters that this schema was given; changes them too. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, kbd, replaceChildren, setText } from "../../lib/dom";
import { KeyMap, bindingId, readKeyFile } from "../keymap";
import type { Clash } from "../keymap";
import { chordOf, keyCaps } from "../keys";
import type { Binding } from "../keys";
import type { SchemaTable } from "../schema";

/** What the overlay needs of the page. */
export interface KeysPage {
  readonly schema: SchemaTable;
  readonly keys: KeyMap;
  setKeys(keys: KeyMap): void;
  startTour(): void;
}

function caps(chord: string): HTMLElement {
  const plus = (): HTMLElement => el("span", { class: "visually-hidden", text: "+" });
  return el("span", { class: "chord" }, keyCaps(chord).flatMap((key, place) => (place > 0 ? [plus(), kbd(key)] : [kbd(key)])));
}

/** What stands against a chord, as the rest of a sentence about it. */
function clashText(clash: Clash): string {
  switch (clash.kind) {
    case "taken":
      return `is already “${clash.by.says}”`;
    case "letter":
      return `is the letter of ${clash.target}`;
    case "finding":
      return `is the letter of ${clash.finding}, which comes first behind the letter of a target`;
    case "reserved":
      return "is needed by the browser or the page";
  }
}

function letters(title: string, names: readonly string[], keys: readonly (string | null)[]): HTMLElement {
  const entries = names.flatMap((name, position) => {
    const key = keys[position];
    if (!key) return [];
    return [el("div", { class: "key-entry" }, [el("dt", {}, [kbd(key)]), el("dd", { text: name })])];
  });
  return el("section", {}, [el("h3", { text: title }), el("dl", { class: "letters" }, entries)]);
}

/** The overlay's state: which binding waits for its new chord, and which chord waits for a yes to swap. */
class KeysOverlay {
  readonly place = el("div", { class: "key-groups", attrs: { tabindex: 0, role: "region", "aria-label": "All keys" } });
  readonly note = el("p", { class: "key-note", attrs: { role: "status" } });
  private readonly page: KeysPage;
  private waiting: Binding | null = null;

  constructor(page: KeysPage) {
    this.page = page;
    this.draw();
  }

  get isWaiting(): boolean {
    return this.waiting !== null;
  }

  draw(): void {
    const { schema, keys } = this.page;
    const hasUrgency = schema.data.urgency_levels.length > 0;
    const groups = [...new Set(keys.bindings.map(({ group }) => group))].filter((name) => hasUrgency || name !== "Urgency");
    replaceChildren(this.place, [
      letters("1 Target", schema.data.targets.map(({ title }) => title), schema.rowLetters),
      letters("2 Finding", schema.data.findings.map(({ name }) => name), schema.columnLetters),
      ...groups.map((name) => this.group(name)),
    ]);
  }

  private group(name: Binding["group"]): HTMLElement {
    const bindings = this.page.keys.bindings.filter(({ group }) => group === name);
    const title = name === "Value" ? "3 Value" : name;
    return el("section", {}, [el("h3", { text: title }), el("dl", {}, bindings.map((binding) => this.entry(binding)))]);
  }

  private entry(binding: Binding): HTMLElement {
    const { schema, keys } = this.page;
    const { command, chords } = binding;
    const level = command.do === "urgency" ? schema.data.urgency_levels[command.level] : undefined;
    const says = level ?? binding.says;
    const isWaiting = this.waiting !== null && bindingId(this.waiting) === bindingId(binding);
    const shown = chords.flatMap((chord, position) => (position > 0 ? [" or ", caps(chord)] : [caps(chord)]));
    const button = el(
      "button",
      { class: `key-change${isWaiting ? " waiting" : ""}`, attrs: { type: "button", "data-binding": bindingId(binding) } },
      [
        el("span", { class: "visually-hidden", text: `${says}: ` }),
        ...(isWaiting ? ["press a key"] : shown.length > 0 ? shown : ["none"]),
      ],
    );
    button.addEventListener("click", () => this.wait(isWaiting ? null : binding));
    return el("div", { class: `key-entry${keys.isOverridden(binding) ? " changed" : ""}` }, [
      el("dt", {}, [button]),
      el("dd", {}, [says, keys.isOverridden(binding) && this.resetButton(binding)]),
    ]);
  }

  private resetButton(binding: Binding): HTMLElement {
    const button = el("button", { class: "key-reset", text: "reset", attrs: { type: "button" } });
    button.setAttribute("aria-label", `reset ${binding.says}`);
    button.addEventListener("click", () => this.take(this.page.keys.reset(binding), `“${binding.says}” has its own key again.`));
    return button;
  }

  private wait(binding: Binding | null): void {
    this.waiting = binding;
    this.draw();
    const id = binding ? bindingId(binding) : null;
    if (id) this.place.querySelector<HTMLElement>(`[data-binding="${CSS.escape(id)}"]`)?.focus();
    setText(this.note, binding ? `Press the new key for “${binding.says}”. Esc leaves it as it is.` : "");
  }

  /** A key while a binding waits. */
  press(event: KeyboardEvent): void {
    const binding = this.waiting;
    if (!binding || ["Control", "Shift", "Alt", "Meta", "AltGraph"].includes(event.key)) return;
    if (event.key === "Tab") return this.wait(null);
    event.preventDefault();
    if (event.key === "Escape") return this.wait(null);
    const chord = chordOf({ ...modifiersOf(event), altGraph: event.getModifierState("AltGraph") });
    if (chord === null) return setText(this.note, "The browser keeps this one for itself. Press another.");
    const clash = this.page.keys.clash(binding, chord, this.page.schema);
    if (clash) return this.refuse(binding, chord, clash);
    this.take(this.page.keys.with(binding, chord), `“${binding.says}” is now ${chord}.`);
  }

  private refuse(binding: Binding, chord: string, clash: Clash): void {
    if (clash.kind !== "taken") return setText(this.note, `${chord} ${clashText(clash)}. Press another.`);
    const lost = this.page.keys.swapClash(binding, clash.by, chord, this.page.schema);
    if (lost) {
      const why = `“${lost.binding.says}” would get ${lost.chord}, which ${clashText(lost.clash)}`;
      return setText(this.note, `${chord} ${clashText(clash)}, and they cannot be swapped: ${why}. Press another.`);
    }
    this.wait(null);
    const swap = el("button", { class: "button", text: "Swap them", attrs: { type: "button" } });
    const { by } = clash;
    swap.addEventListener("click", () =>
      this.take(this.page.keys.swapped(binding, by, chord), `“${binding.says}” is now ${chord}; “${by.says}” has the other.`),
    );
    replaceChildren(this.note, [`${chord} is already “${by.says}”. `, swap]);
    swap.focus();
  }

  take(keys: KeyMap, says: string): void {
    this.waiting = null;
    this.page.setKeys(keys);
    this.draw();
    setText(this.note, says);
    this.place.focus();
  }

  async readFile(file: File): Promise<void> {
    const overrides = file.size < 100_000 ? readKeyFile(await file.text()) : null;
    if (overrides) this.take(new KeyMap(overrides), `Keys taken from ${file.name}.`);
    else setText(this.note, `${file.name} is not a file of keys that was saved here.`);
  }

  saveFile(): void {
    const url = URL.createObjectURL(new Blob([this.page.keys.toFile()], { type: "application/json" }));
    const link = el("a", { attrs: { href: url, download: "overread-keys.json" } });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}

function modifiersOf(event: KeyboardEvent): Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey"> {
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = event;
  return { key, code, ctrlKey, metaKey, altKey, shiftKey };
}

export function openKeysDialog(page: KeysPage, onClose: () => void): Dialog {
  const overlay = new KeysOverlay(page);
  const button = (text: string, run: () => void): HTMLElement => {
    const made = el("button", { class: "button", text, attrs: { type: "button" } });
    made.addEventListener("click", run);
    return made;
  };
  const file = el("input", { class: "visually-hidden", attrs: { type: "file", accept: ".json,application/json", tabindex: -1, "aria-label": "File of keys" } });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen) void overlay.readFile(chosen);
    file.value = "";
  });
  let restart = false;
  const dialog: Dialog = openDialog({
    title: "Keys",
    class: "dialog-keys",
    onClose: () => {
      onClose();
      if (restart) page.startTour();
    },
    onKey: (event) => {
      if (overlay.isWaiting) overlay.press(event);
      else if (event.key === "?") dialog.close();
    },
    children: [
      el("p", {
        class: "lead",
        text: "Any cell in three keys: the letter of its target, the letter of its finding, a value. Keys follow the pane with the ring. Choose a key to change it.",
      }),
      overlay.place,
      overlay.note,
      el("footer", { class: "dialog-foot" }, [
        button("Show me round", () => {
          restart = true;
          dialog.close();
        }),
        el("span", { class: "grow" }),
        file,
        button("Save keys to a file", () => overlay.saveFile()),
        button("Take keys from a file", () => file.click()),
        button("Reset all", () => overlay.take(new KeyMap(), "All keys are as they came.")),
      ]),
    ],
  });
  return dialog;
}
