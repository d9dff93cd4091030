/** Keys of the adjudication page. Values and urgencies are those of the reading page, also where the reader changed them. */

import type { KeyMap } from "../read/keymap";
import type { Command, Pane } from "../read/keys";
import { SchemaTable } from "../read/schema";

export type Act =
  | { readonly do: "reason"; readonly reason: string }
  | { readonly do: "step"; readonly by: 1 | -1 }
  | { readonly do: "open" }
  | { readonly do: "queue" }
  | { readonly do: "reading"; readonly command: Command };

/** One letter for each reason, none of which is a key for values, evidence or notes. */
export const REASON_KEYS: Readonly<Record<string, string>> = {
  ambiguous_report: "a",
  reader_slip: "s",
  guideline_gap: "g",
  certainty_only: "t",
  urgency_only: "y",
  machine_invention: "m",
  machine_omission: "o",
  agreed: "v",
};

const OWN: Readonly<Record<string, Act>> = {
  ArrowDown: { do: "step", by: 1 },
  ArrowUp: { do: "step", by: -1 },
  n: { do: "open" },
  w: { do: "queue" },
};

/** Letters of targets and findings mean nothing here. */
const NO_SCHEMA = new SchemaTable({
  name: "", version: 0, hash: "", title: "", targets: [], findings: [], cells: [], urgency_levels: [], contradictions: [],
});

const TAKEN: readonly Command["do"][] = [
  "value", "urgency", "comment", "evidence-add", "evidence-remove", "cited", "undo", "help", "pane", "cancel", "layout", "viewer",
];

export function actFor(chord: string, pane: Pane, keys: KeyMap): Act | null {
  const command = keys.commandFor(chord, { pane, pendingColumn: false, schema: NO_SCHEMA });
  if (pane === "image") return command && TAKEN.includes(command.do) ? { do: "reading", command } : null;
  const own = OWN[chord];
  if (own && pane === "cells") return own;
  if (command && TAKEN.includes(command.do)) return { do: "reading", command };
  const reason = Object.keys(REASON_KEYS).find((name) => REASON_KEYS[name] === chord);
  return reason ? { do: "reason", reason } : null;
}
