/** The `?` overlay, made from the key map and from the letters that this schema was given. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, kbd } from "../../lib/dom";
import { BINDINGS, keyCaps } from "../keys";
import type { Binding } from "../keys";
import type { SchemaTable } from "../schema";

function caps(chord: string): HTMLElement {
  return el("span", { class: "chord" }, keyCaps(chord).map(kbd));
}

function entry(keys: readonly (Node | string)[], says: string): HTMLElement {
  return el("div", { class: "key-entry" }, [el("dt", {}, keys), el("dd", { text: says })]);
}

function groupOf(name: string, bindings: readonly Binding[], schema: SchemaTable): HTMLElement {
  const entries = bindings.map(({ chords, says, command }) => {
    const level = command.do === "urgency" ? schema.data.urgency_levels[command.level] : undefined;
    return entry(
      chords.flatMap((chord, position) => (position > 0 ? [" or ", caps(chord)] : [caps(chord)])),
      level ?? says,
    );
  });
  return el("section", {}, [el("h3", { text: name }), el("dl", {}, entries)]);
}

function letters(title: string, names: readonly string[], keys: readonly (string | null)[]): HTMLElement {
  const entries = names.flatMap((name, position) => {
    const key = keys[position];
    return key ? [entry([kbd(key)], name)] : [];
  });
  return el("section", {}, [el("h3", { text: title }), el("dl", { class: "letters" }, entries)]);
}

export function openKeysDialog(schema: SchemaTable, onClose: () => void): Dialog {
  const hasUrgency = schema.data.urgency_levels.length > 0;
  const groups = [...new Set(BINDINGS.map(({ group }) => group))].filter((name) => hasUrgency || name !== "Urgency");
  const targets = schema.data.targets.map(({ title }) => title);
  const findings = schema.data.findings.map(({ name }) => name);
  const dialog: Dialog = openDialog({
    title: "Keys",
    class: "dialog-keys",
    onClose,
    onKey: (event) => {
      if (event.key === "?") dialog.close();
    },
    children: [
      el("p", {
        class: "lead",
        text: "Any cell in three keys: the letter of its target, the letter of its finding, a value. Keys follow the pane with the ring.",
      }),
      el("div", { class: "key-groups", attrs: { tabindex: 0, role: "region", "aria-label": "All keys" } }, [
        letters("1 Target", targets, schema.rowLetters),
        letters("2 Finding", findings, schema.columnLetters),
        ...groups.map((name) => groupOf(name === "Value" ? "3 Value" : name, BINDINGS.filter(({ group }) => group === name), schema)),
      ]),
    ],
  });
  return dialog;
}
