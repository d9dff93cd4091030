/** Two versions of one reading side by side. Nothing is thrown away until every cell has been chosen. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, kbd } from "../../lib/dom";
import type { Conflict } from "../autosave";
import { codeInfo, urgencyOf } from "../codes";
import { differences, mergeVersions } from "../conflict";
import type { Side } from "../conflict";
import type { SchemaTable } from "../schema";
import { imageValueOf } from "../imageValue";
import { hasImageDisagrees } from "../state";
import type { Labels } from "../types";
import { glyph } from "./glyph";

function nameOf(index: number, key: string, schema: SchemaTable): string {
  if (index < 0) return key === "case" ? "Comment and flag of the case" : "Measurements";
  return `${schema.targetTitle(index)} · ${schema.findingName(index)}`;
}

/** What a version says of the whole case. */
function partText(labels: Labels, key: string): string {
  if (key === "measurements") {
    const n = labels.body.measurements?.length ?? 0;
    return n === 1 ? "1 measurement" : `${n} measurements`;
  }
  const { comment, flagged } = labels.body.case ?? {};
  const parts = [flagged ? "flagged" : "", comment ? `“${comment}”` : ""].filter(Boolean);
  return parts.join(", ") || "nothing";
}

function versionText(labels: Labels, index: number, key: string, schema: SchemaTable): string {
  if (index < 0) return partText(labels, key);
  const level = urgencyOf(labels.urgencies.charAt(index));
  const note = labels.body.cells[key];
  const parts = [codeInfo(labels.values.charAt(index)).says];
  if (level !== null) parts.push(`urgency ${schema.data.urgency_levels[level] ?? level}`);
  if (hasImageDisagrees(note)) parts.push("image disagrees");
  const shown = imageValueOf(note);
  if (shown) parts.push(`image shows ${codeInfo(shown).says}`);
  if (note?.evidence) parts.push(`${note.evidence.length} of your own pieces of evidence`);
  if (note?.comment) parts.push(`“${note.comment}”`);
  return parts.join(", ");
}

export function openConflictDialog(
  conflict: Conflict,
  schema: SchemaTable,
  on: { mine?: () => Labels; resolve: (merged: Labels) => void; close: () => void },
): Dialog {
  const { mine, theirs } = conflict;
  const found = differences(conflict, schema);
  const choice = new Map<number, Side>();
  const radios = new Map<string, HTMLInputElement>();

  const apply = el("button", { class: "button button-primary", attrs: { type: "button" } }, ["Keep these ", kbd("Ctrl Enter")]);
  const left = el("span", { class: "dim", attrs: { "aria-live": "polite" } });

  const show = (): void => {
    const open = found.length - choice.size;
    apply.disabled = open > 0;
    left.textContent = open > 0 ? `${open} still to choose` : "all chosen";
    for (const [name, radio] of radios) {
      const [index, side] = name.split(" ");
      radio.checked = choice.get(Number(index)) === side;
    }
  };
  const chooseAll = (side: Side): void => {
    for (const { index } of found) choice.set(index, side);
    show();
  };
  const finish = (): void => {
    if (apply.disabled) return;
    // The window with the images can have measured more since: what was not asked about is taken over from here.
    const newest = on.mine?.() ?? mine;
    const since = differences({ mine: newest, theirs: mine, base: mine }, schema).filter(({ index }) => !choice.has(index));
    const merged = mergeVersions(newest, theirs, [...found.filter(({ index }) => choice.get(index) === "mine"), ...since]);
    on.resolve(merged);
    dialog.close();
  };

  const option = (index: number, key: string, side: Side, labels: Labels): HTMLElement => {
    const name = side === "mine" ? "this window" : "the saved version";
    const radio = el("input", {
      attrs: { type: "radio", name: `cell-${index}`, "aria-label": `${key.replace("|", ", ")}: keep ${name}` },
    });
    radio.addEventListener("change", () => {
      choice.set(index, side);
      show();
    });
    radios.set(`${index} ${side}`, radio);
    return el("td", {}, [
      el("label", { class: "version" }, [radio, index < 0 ? null : glyph(labels.values.charAt(index)), el("span", { text: versionText(labels, index, key, schema) })]),
    ]);
  };
  const rows = found.map(({ index, key, suggested }) => {
    if (suggested) choice.set(index, suggested);
    return el("tr", {}, [
      el("th", { attrs: { scope: "row" }, text: nameOf(index, key, schema) }),
      option(index, key, "mine", mine),
      option(index, key, "theirs", theirs),
    ]);
  });
  const allOf = (side: Side, text: string, key: string): HTMLElement => {
    const button = el("button", { class: "button", attrs: { type: "button" } }, [`${text} `, kbd(key)]);
    button.addEventListener("click", () => chooseAll(side));
    return button;
  };
  apply.addEventListener("click", finish);

  const dialog: Dialog = openDialog({
    title: "This case was changed in two places",
    class: "dialog-conflict",
    onClose: on.close,
    onKey: (event) => {
      const isChord = event.ctrlKey || event.metaKey;
      if (event.key === "Enter" && isChord && !event.repeat) finish();
      else if (event.key === "m" && !isChord) chooseAll("mine");
      else if (event.key === "s" && !isChord) chooseAll("theirs");
      else return;
      event.preventDefault();
    },
    children: [
      el("p", {
        class: "lead",
        text: `Another window saved version ${theirs.version} first. Nothing is lost: choose per cell. Cells that only one side changed are chosen already.`,
      }),
      el("div", { class: "dialog-scroll" }, [
        el("table", { class: "table versions" }, [
          el("thead", {}, [
            el("tr", {}, [
              el("th", { attrs: { scope: "col" }, text: "Cell" }),
              el("th", { attrs: { scope: "col" }, text: "This window" }),
              el("th", { attrs: { scope: "col" }, text: "Saved version" }),
            ]),
          ]),
          el("tbody", {}, rows),
        ]),
      ]),
      el("footer", { class: "dialog-foot" }, [left, allOf("mine", "All of mine", "m"), allOf("theirs", "All saved", "s"), apply]),
    ],
  });
  show();
  const firstOpen = found.find(({ suggested }) => suggested === null) ?? found[0];
  if (firstOpen) radios.get(`${firstOpen.index} ${firstOpen.suggested ?? "mine"}`)?.focus();
  return dialog;
}
