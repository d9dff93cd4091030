/** The head and foot lines: which case, how far, saved or not, how many changed and how many still to decide. */

import { byId, el, kbd, replaceChildren, setText } from "../../lib/dom";
import type { Attention } from "../attention";
import type { SaveStatus } from "../autosave";
import { CODES } from "../codes";
import { hint, hintInTemplate } from "../hints";
import { clockText } from "../timer";
import type { CasePayload } from "../types";
import { differMark, glyph } from "./glyph";

/** What the save state says, and whether it must be noticed. */
export function saveText(status: SaveStatus, nowMs: number): { text: string; isProblem: boolean } {
  switch (status.kind) {
    case "saved":
      return { text: status.atMs === null ? "nothing to save" : `saved ${ago(nowMs - status.atMs)}`, isProblem: false };
    case "waiting":
    case "saving":
      return { text: "saving …", isProblem: false };
    case "retrying": {
      const seconds = Math.max(0, Math.ceil((status.atMs - nowMs) / 1000));
      const when = seconds > 0 ? `retrying in ${seconds} s` : "retrying";
      return { text: `not saved – ${status.signedOut ? "you are signed out, " : ""}${when}`, isProblem: true };
    }
    case "conflict":
      return { text: "not saved – two versions, please choose", isProblem: true };
    case "refused":
      return { text: `not saved – ${status.message}`, isProblem: true };
  }
}

function ago(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 2) return "just now";
  return seconds < 60 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`;
}

/** The foot line: keys by the names of their commands, words, and whether a narrow window leaves it out. */
const FOOT: readonly (readonly [commands: readonly string[], says: string, isOptional: boolean])[] = [
  [["move:-1:0", "move:1:0"], "target", false],
  [["move:0:-1", "move:0:1"], "finding", false],
  [["evidence:-1", "evidence:1"], "evidence", true],
  [["attention:1"], "needs you", false],
  [["undo"], "undo", true],
];

function footKeys(): HTMLElement[] {
  const tab = el("span", {}, [kbd("Tab"), " pane"]); // the browser's own
  const others = FOOT.map(([commands, says, isOptional]) =>
    el("span", { class: isOptional ? "optional" : "" }, [...commands.map((command) => hint(command)), ` ${says}`]),
  );
  return [tab, ...others];
}

export interface StatusView {
  showCase(payload: CasePayload): void;
  showSave(status: SaveStatus, nowMs: number): void;
  showTime(seconds: number): void;
  showCounts(changed: number | null, attention: Attention): void;
  showBusy(isBusy: boolean): void;
  /** Whether the sign that labelers differ is explained. */
  showDiffering(isShown: boolean): void;
}

export function createStatus(on: { save: () => void; submit: () => void; help: () => void }): StatusView {
  const save = byId("save-state");
  const announcer = byId("announcer");
  let spoken = "";
  save.addEventListener("click", on.save);
  byId("submit-button").addEventListener("click", on.submit);
  byId("help-button").addEventListener("click", on.help);
  hintInTemplate(byId("submit-button"), "submit");
  hintInTemplate(byId("help-button"), "help");
  const differing = el("span", {}, [differMark(), "labelers differ"]);
  differing.hidden = true;
  const keys = byId("status-bar").querySelector(".keys");
  if (keys) replaceChildren(keys, footKeys());
  replaceChildren(
    byId("legend"),
    [...CODES.filter(({ key }) => key !== null).map(({ code, says }) => el("span", {}, [glyph(code), says])), differing],
  );

  return {
    showCase(payload) {
      const { case: info, prefill } = payload;
      setText(byId("case-key"), info.key);
      setText(byId("case-place"), `${info.position} of ${info.total}`);
      setText(byId("case-arm"), prefill ? `pre-filled by ${prefill.labeler}` : "blank form");
      const progress = byId("case-progress") as HTMLProgressElement;
      progress.max = Math.max(1, info.total);
      progress.value = info.done;
      document.title = `${info.key} · Overread`;
    },
    showSave(status, nowMs) {
      const { text, isProblem } = saveText(status, nowMs);
      setText(save, text);
      save.classList.toggle("problem", isProblem);
      const gist = text.replace(/ in \d+ s| \d+ (s|min) ago| just now/, "");
      if (gist === spoken) return;
      if (isProblem || spoken.startsWith("not saved")) setText(announcer, gist);
      spoken = gist;
    },
    showTime(seconds) {
      setText(byId("active-time"), `${clockText(seconds)} active`);
    },
    showCounts(changed, attention) {
      const parts = changed === null ? [] : [`${changed} changed`];
      const toDecide = attention.unreadable.length + attention.undecided.length;
      parts.push(`${toDecide} to decide`);
      if (attention.contradictions.length > 0) parts.push(`${attention.contradictions.length} contradicting`);
      setText(byId("counts"), parts.join(" · "));
      byId("counts").classList.toggle("problem", attention.cells.length > 0 && changed !== null);
    },
    showDiffering(isShown) {
      differing.hidden = !isShown;
    },
    showBusy(isBusy) {
      (byId("submit-button") as HTMLButtonElement).disabled = isBusy;
      document.body.classList.toggle("busy", isBusy);
    },
  };
}
