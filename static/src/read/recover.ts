/**
 * Changes that the server had not acknowledged when the page went away.
 *
 * They are kept in `sessionStorage`, by user, case and round, and removed once acknowledged: codes and comments, never the
 * report. That storage ends with the tab, so that nothing about a patient stays on a shared workstation; closing a
 * tab with unsaved changes asks first.
 */

import type { LocalCopy } from "./autosave";
import { isSameLabels } from "./state";
import type { CasePayload } from "./types";

export function copyKey(user: string, payload: Pick<CasePayload, "round" | "urls">): string {
  return `overread:${user}:${payload.urls.draft}:${payload.round}`;
}

export function keepCopy(storage: Storage, key: string, copy: LocalCopy | null): void {
  try {
    if (copy) storage.setItem(key, JSON.stringify(copy));
    else storage.removeItem(key);
  } catch {
    // Storage is full or switched off: the server remains the only copy, and leaving the page still warns.
  }
}

export function readCopy(storage: Storage, key: string, cells: number): LocalCopy | null {
  try {
    const copy = JSON.parse(storage.getItem(key) ?? "null") as LocalCopy | null;
    const fits = copy?.labels.values.length === cells && copy.base.values.length === cells;
    return fits ? copy : null;
  } catch {
    return null;
  }
}

/** What to do with a copy found in the tab. */
export type Recovery = "nothing" | "restore" | "conflict";

export function recoveryOf(copy: LocalCopy | null, payload: CasePayload): Recovery {
  if (!copy) return "nothing";
  const { draft, reading } = payload;
  const server = draft ?? reading;
  if (server && isSameLabels(server, copy.labels)) return "nothing";
  if (!draft || draft.version === copy.version) return "restore";
  // An answer was lost: the server holds an earlier state of this very tab.
  if (draft.client_id === copy.clientId) return "restore";
  return "conflict";
}
