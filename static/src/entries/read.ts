import "../styles/read.css";
import "../styles/read-cells.css";
import "../styles/read-evidence.css";
import "../styles/read-labelers.css";
import "../styles/dialog.css";
import "../styles/read-layout.css";
import "../styles/read-flow.css";
import "../styles/read-notes.css";
import "../styles/tour.css";
import { byId, embeddedJson, isTextField, needsKey } from "../lib/dom";
import { chordOf } from "../read/keys";
import type { Command } from "../read/keys";
import { ReadingPage } from "../read/page";
import { paneOf } from "../read/panes";
import { Preferences } from "../read/preferences";
import type { PreferenceData } from "../read/preferences";
import type { CasePayload, Guidelines, SchemaData } from "../read/types";

const root = byId("main");
const preferences = new Preferences(embeddedJson<PreferenceData>("preferences-data"));
const page = new ReadingPage(
  embeddedJson<SchemaData>("schema-data"),
  embeddedJson<CasePayload>("case-data"),
  root.dataset["user"] ?? "",
  {
    preferences,
    guidelines: embeddedJson<Guidelines>("guidelines-data"),
    makeViewer: async (host, events) => {
      const { createViewer } = await import("../viewer");
      return createViewer(host, { events });
    },
  },
);
page.flow.begin();
// An address may name the cell that somebody came for.
if (window.location.hash) page.focusCell(page.schema.indexOf(decodeURIComponent(window.location.hash.slice(1))));
if (window.location.hash === "#reopen") {
  window.history.replaceState(null, "", window.location.pathname); // asked for once, not again when the page is loaded again
  page.run({ do: "reopen" });
}
if (!preferences.data.tour_done && page.isOwn) page.startTour();

/** Commands whose chords work while somebody types. */
const IN_TEXT = new Set<Command["do"]>(["submit", "skip", "jump", "summary", "flag", "layout", "reopen", "case-notes"]);
/** Commands that a key held down gives once. */
const ONCE = new Set<Command["do"]>([...IN_TEXT, "case-comment", "help"]);

function commandOf(chord: string): Command | null {
  const { pendingColumn, schema } = page;
  return page.keys.commandFor(chord, { pane: paneOf(document.activeElement), pendingColumn, schema });
}

function onTextKey(event: KeyboardEvent, chord: string): void {
  const isComment = event.target instanceof HTMLTextAreaElement;
  const command = /^(Ctrl|Alt)\+/.test(chord) ? commandOf(chord) : null;
  if (command && IN_TEXT.has(command.do)) page.run(command);
  else if (chord === "Escape" || (isComment && chord === "Enter")) page.run({ do: "cancel" });
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || page.hasDialog || document.body.classList.contains("all-read")) return;
  const chord = chordOf({
    key: event.key,
    code: event.code,
    ctrlKey: event.ctrlKey,
    metaKey: event.metaKey,
    altKey: event.altKey,
    shiftKey: event.shiftKey,
    altGraph: event.getModifierState("AltGraph"),
  });
  if (chord === null) return;
  if (isTextField(event.target)) return onTextKey(event, chord);
  if (needsKey(event.target, chord)) return;
  const command = commandOf(chord);
  if (!command) return;
  event.preventDefault();
  if (!(event.repeat && ONCE.has(command.do))) page.run(command);
});

// A click in the report that selects no words leaves the keyboard with the cells.
byId("report-place").addEventListener("mouseup", () => {
  if (window.getSelection()?.isCollapsed) setTimeout(() => page.focusCell(page.state.focus), 0);
});

/** Keys that only change what another key means. */
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"]);
document.addEventListener("keydown", (event) => { if (!event.repeat && !MODIFIERS.has(event.key)) page.session.timer.press(); }, { capture: true });
byId("cells-pane").addEventListener("pointerdown", () => page.session.timer.press(), { capture: true });

let lastInput = 0;
for (const kind of ["keydown", "pointerdown", "pointermove", "wheel"] as const) {
  document.addEventListener(
    kind,
    () => {
      const now = performance.now();
      if (now - lastInput < 500) return;
      lastInput = now;
      page.session.timer.input(now);
    },
    { passive: true, capture: true },
  );
}

function watch(): void {
  const watching = (document.visibilityState === "visible" && document.hasFocus()) || page.flow.isWatchedElsewhere;
  page.session.timer.setWatching(watching, performance.now());
}
for (const kind of ["focus", "blur"] as const) window.addEventListener(kind, watch);
document.addEventListener("visibilitychange", () => {
  watch();
  if (document.visibilityState === "hidden") page.session.autosave.flush({ evenIfSaved: page.session.countsVisit });
});
window.setInterval(() => {
  const now = performance.now();
  page.session.timer.advance(now);
  page.status.showTime(page.session.activeSeconds);
  page.status.showSave(page.session.autosave.status, now);
}, 1000);

window.addEventListener("online", () => page.session.autosave.retryNow());
window.addEventListener("beforeunload", (event) => {
  if (!page.session.autosave.isUnsafe) return;
  page.session.autosave.flush();
  event.preventDefault();
});
window.addEventListener("pagehide", () => {
  preferences.flush();
  page.session.timer.advance(performance.now());
  if (page.session.countsVisit) page.session.autosave.flushOnLeave();
});
window.addEventListener("popstate", () => window.location.reload());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!link || !isPlain || link.target || link.origin !== window.location.origin || !page.session.autosave.isUnsafe) return;
  event.preventDefault();
  void page.leave(link.href);
});
watch();
