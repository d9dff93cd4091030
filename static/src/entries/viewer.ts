/** A window for the images alone. The page of the case says what to show and gets what is measured; nothing is saved here. */

import "../styles/read.css";
import "../styles/read-layout.css";
import { byId, embeddedJson, isTextField, needsKey, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { Line } from "../read/channel";
import type { ToPage, ToViewer } from "../read/channel";
import { showKeys } from "../read/hints";
import { ImagePane } from "../read/images";
import { KeyMap } from "../read/keymap";
import { chordOf } from "../read/keys";
import type { PreferenceData } from "../read/preferences";
import { SchemaTable } from "../read/schema";

const CONNECT_MS = 2500;
const root = byId("main");
const link = window.location.hash.slice(1);
const NO_SCHEMA = new SchemaTable({
  name: "", version: 0, hash: "", title: "", targets: [], findings: [], cells: [], urgency_levels: [], contradictions: [],
});

let keys = new KeyMap(embeddedJson<PreferenceData>("preferences-data").keys);
showKeys(keys);
let caseId = Number(root.dataset["case"]);
let isLed = false;

const images = new ImagePane(
  {
    onCase: (hasImages) => {
      if (!hasImages) toast("This case has no images.");
    },
    onPick: (target, name) => {
      if (isLed) line.send({ say: "pick", target, name });
      else toast(name);
    },
    onMeasurements: (measurements) => {
      if (isLed) line.send({ say: "measurements", id: caseId, measurements });
    },
    onTell: (message) => toast(message),
  },
  async (host, events) => {
    const { createViewer } = await import("../viewer");
    return createViewer(host, { events });
  },
);

function sayLink(isConnected: boolean, isKept = isConnected): void {
  isLed = isConnected;
  const leader = isKept ? "led by the reading window" : isConnected ? "led by the adjudication window" : "no reading window";
  setText(byId("link-state"), isKept ? leader : `${leader}: what is measured here is not kept`);
  byId("link-state").classList.toggle("problem", !isConnected);
}

const line = new Line<ToPage, ToViewer>(link, "viewer", (message) => {
  switch (message.say) {
    case "who":
      return line.send({ say: "here" });
    case "alive":
      return line.send({ say: "alive" });
    case "gone":
      return sayLink(false);
    case "case":
      sayLink(true, message.measurements !== null);
      caseId = message.id;
      setText(byId("case-key"), message.key);
      document.title = `Images · ${message.key} · Overread`;
      return images.open(
        { images: message.images === null ? null : { n_series: 1 }, urls: { images: message.images ?? "" } },
        message.measurements ?? [],
      );
    case "ahead":
      return void images.ahead({ images: { n_series: 1 }, urls: { images: message.images } });
    case "target":
      return images.focusTarget(message.target);
    case "place":
      images.goToImage(message.place);
      return;
    case "measurements":
      return images.setMeasurements(message.measurements);
    case "run":
      return images.run(message.command);
    case "keys":
      keys = new KeyMap(message.keys ?? {});
      return showKeys(keys);
    case "close":
      window.close();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || isTextField(event.target)) return;
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = event;
  const chord = chordOf({ key, code, ctrlKey, metaKey, altKey, shiftKey, altGraph: event.getModifierState("AltGraph") });
  if (chord === null || needsKey(event.target, chord)) return;
  const command = keys.commandFor(chord, { pane: "image", pendingColumn: false, schema: NO_SCHEMA });
  if (!command) return;
  if (command.do === "viewer" && command.command.do !== "detach") images.run(command.command);
  else if (command.do === "viewer" || command.do === "layout") window.close();
  else if (command.do === "undo" || command.do === "redo" || command.do === "submit") {
    if (!event.repeat) line.send({ say: command.do });
  } else return;
  event.preventDefault();
});

let lastInput = 0;
for (const kind of ["keydown", "pointerdown", "pointermove", "wheel"] as const) {
  document.addEventListener(
    kind,
    () => {
      const now = performance.now();
      if (now - lastInput < 1000) return;
      lastInput = now;
      line.send({ say: "input" });
    },
    { passive: true, capture: true },
  );
}
function watch(): void {
  line.send({ say: "watching", isWatching: document.visibilityState === "visible" && document.hasFocus() });
}
for (const kind of ["focus", "blur"] as const) window.addEventListener(kind, watch);
document.addEventListener("visibilitychange", watch);
window.addEventListener("resize", () => images.resize());
window.addEventListener("pagehide", () => line.send({ say: "gone" }));

line.send({ say: "here" });
watch();
byId("image-pane").focus();
// Opened without a reading page, or that page has gone: the images can be looked at all the same.
window.setTimeout(() => {
  if (isLed) return;
  sayLink(false);
  images.open({ images: { n_series: 1 }, urls: { images: root.dataset["images"] ?? "" } }, []);
}, CONNECT_MS);
