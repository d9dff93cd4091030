import "../styles/read.css";
import "../styles/read-cells.css";
import "../styles/read-evidence.css";
import "../styles/dialog.css";
import "../styles/read-layout.css";
import "../styles/adjudicate.css";
import { actFor } from "../adjudicate/keys";
import type { Act } from "../adjudicate/keys";
import { AdjudicationPage } from "../adjudicate/page";
import type { DisputedCase, ReasonData } from "../adjudicate/types";
import { byId, embeddedJson, isTextField, needsKey } from "../lib/dom";
import { chordOf } from "../read/keys";
import { paneOf } from "../read/panes";
import { Preferences } from "../read/preferences";
import type { PreferenceData } from "../read/preferences";
import type { SchemaData } from "../read/types";

const preferences = new Preferences(embeddedJson<PreferenceData>("preferences-data"));
const page = new AdjudicationPage(
  embeddedJson<SchemaData>("schema-data"),
  embeddedJson<DisputedCase>("case-data"),
  embeddedJson<ReasonData[]>("reasons-data"),
  preferences,
  async (host, events) => {
    const { createViewer } = await import("../viewer");
    return createViewer(host, { events });
  },
);

/** Once all is decided, only what takes a decision back or leads to the queue. */
function worksAtTheEnd(act: Act): boolean {
  return act.do === "queue" || (act.do === "reading" && act.command.do === "undo");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || page.hasDialog) return;
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = event;
  const chord = chordOf({ key, code, ctrlKey, metaKey, altKey, shiftKey, altGraph: event.getModifierState("AltGraph") });
  if (chord === null) return;
  if (isTextField(event.target)) {
    if (chord !== "Escape" && chord !== "Enter") return;
    event.preventDefault();
    return byId("cells-place").focus();
  }
  if (needsKey(event.target, chord)) return;
  const act = actFor(chord, paneOf(document.activeElement), page.keys);
  if (!act || (document.body.classList.contains("all-read") && !worksAtTheEnd(act))) return;
  event.preventDefault();
  // A key held down decides one cell, not all of them.
  if (!event.repeat || act.do === "step") page.run(act);
});

window.addEventListener("beforeunload", (event) => {
  if (page.isBusy) event.preventDefault();
});
window.addEventListener("pagehide", () => preferences.flush());
window.addEventListener("popstate", () => window.location.reload());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
