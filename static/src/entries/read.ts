import "../styles/read.css";
import "../styles/read-cells.css";
import "../styles/dialog.css";
import { byId, embeddedJson, isTextField } from "../lib/dom";
import { chordOf, commandFor } from "../read/keys";
import { ReadingPage, paneOf } from "../read/page";
import type { CasePayload, SchemaData } from "../read/types";

const root = byId("main");
const page = new ReadingPage(
  embeddedJson<SchemaData>("schema-data"),
  embeddedJson<CasePayload>("case-data"),
  root.dataset["user"] ?? "",
);

/** Keys that buttons, links and menus need for themselves. */
const NATIVE = new Set(["Enter", "Space", "ArrowUp", "ArrowDown", "Home", "End"]);

function onTextKey(event: KeyboardEvent, chord: string): void {
  const isComment = event.target instanceof HTMLTextAreaElement;
  if (chord === "Ctrl+Enter") page.run({ do: "submit" });
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
  const isControl = event.target instanceof Element && event.target.closest("button, a, summary, label") !== null;
  if (isControl && NATIVE.has(chord)) return;
  const command = commandFor(chord, { pane: paneOf(document.activeElement), pendingColumn: page.pendingColumn, schema: page.schema });
  if (!command) return;
  event.preventDefault();
  if (!(event.repeat && command.do === "submit")) page.run(command);
});

// A click in the report that selects no words leaves the keyboard with the cells.
byId("report-place").addEventListener("mouseup", () => {
  if (window.getSelection()?.isCollapsed) setTimeout(() => page.focusCell(page.state.focus), 0);
});

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
  const watching = document.visibilityState === "visible" && document.hasFocus();
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
