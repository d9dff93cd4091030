import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KeyMap, bindingId } from "../../static/src/read/keymap";
import { BINDINGS } from "../../static/src/read/keys";
import type { Binding } from "../../static/src/read/keys";
import { ReadingPage } from "../../static/src/read/page";
import { Preferences } from "../../static/src/read/preferences";
import { startTour } from "../../static/src/read/tour";
import { ABDOMEN, labels, payload } from "./helpers";
import { buildTemplate } from "./template";

beforeEach(() => {
  buildTemplate();
  sessionStorage.clear();
  vi.useFakeTimers();
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ case: null, remaining: 0 }))));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function binding(id: string): Binding {
  const found = BINDINGS.find((each) => bindingId(each) === id);
  if (!found) throw new Error(`no binding ${id}`);
  return found;
}
const texts = (selector: string): (string | null)[] => [...document.querySelectorAll(selector)].map((element) => element.textContent);
const comment = (): string => document.querySelector<HTMLTextAreaElement>(".card .comment")?.placeholder ?? "";

/** Every hint of the page with its place. */
const shown = (): Record<string, (string | null)[]> => ({
  bar: texts(".words-bar kbd"),
  values: texts(".card [aria-label='Value'] kbd"),
  urgency: texts(".card .urgency kbd"),
  disagrees: texts(".card .chips:not(.urgency):not([role]) > .chip kbd"),
  shows: texts(".image-shows kbd"),
  selection: texts(".selection-bar kbd"),
  attention: texts(".attention h2 kbd"),
  foot: texts(".status-bar .keys kbd"),
  submit: texts("#submit-button kbd"),
  help: texts("#help-button kbd"),
});

const AS_THEY_COME = {
  bar: ["Shift s", "Shift c", "Shift d"],
  values: ["1", "2", "0", "3", "-"],
  urgency: ["u", "⇧0", "⇧1", "⇧2", "⇧3"],
  disagrees: ["i"],
  shows: ["Shift i"],
  selection: ["e", "Shift e"],
  attention: ["n"],
  foot: ["Tab", "↑", "↓", "←", "→", "[", "]", "n", "Ctrl z"],
  submit: ["Ctrl Enter"],
  help: ["?"],
};

function open(keys = new KeyMap()): ReadingPage {
  const given = payload();
  const prefill = given.prefill ? { ...given.prefill, ...labels({ "spleen|device": "!" }) } : null;
  const preferences = new Preferences({ tour_done: true, keys: keys.overrides });
  return new ReadingPage(ABDOMEN, { ...given, prefill }, "7", { preferences, guidelines: {}, makeViewer: () => Promise.reject(new Error("no viewer")) });
}

describe("the keys that stand on the page", () => {
  it("are those the commands come with", () => {
    open();
    expect(shown()).toEqual(AS_THEY_COME);
    expect(comment()).toBe("Comment (c)");
  });

  it("follow a change at once", () => {
    const page = open();
    const changes = [
      ["unused", "Alt+s"],
      ["value:+", "Alt+p"],
      ["urgency:1", "Alt+u"],
      ["disagrees", "Alt+d"],
      ["image-value", "Shift+d"],
      ["evidence-add", "Alt+e"],
      ["attention:1", "Alt+a"],
      ["submit", "Ctrl+s"],
      ["help", "F1"],
      ["undo", "Alt+z"],
      ["comment", "Alt+c"],
    ] as const;
    page.setKeys(changes.reduce((keys, [id, chord]) => keys.with(binding(id), chord), page.keys));
    expect(shown()).toEqual({
      bar: ["Alt s", "Shift c", "Shift d"],
      values: ["Alt p", "2", "0", "3", "-"],
      urgency: ["u", "⇧0", "Alt u", "⇧2", "⇧3"],
      disagrees: ["Alt d"],
      shows: ["Shift d"],
      selection: ["Alt e", "Shift e"],
      attention: ["Alt a"],
      foot: ["Tab", "↑", "↓", "←", "→", "[", "]", "Alt a", "Alt z"],
      submit: ["Ctrl s"],
      help: ["F1"],
    });
    expect(comment()).toBe("Comment (Alt c)");
    page.setKeys(new KeyMap());
    expect(shown()).toEqual(AS_THEY_COME);
  });

  it("are those in force when another case and its card come", () => {
    const page = open(new KeyMap().with(binding("value:+"), "Alt+p"));
    page.showCase(payload({ case: { ...payload().case, id: 2 } }));
    expect(shown()["values"]).toEqual(["Alt p", "2", "0", "3", "-"]);
  });

  it("are those in force in the tour", () => {
    open(new KeyMap().with(binding("flag"), "Alt+f"));
    startTour(() => undefined);
    for (let step = 0; step < 4; step += 1) document.querySelector<HTMLElement>(".tour .button-primary")?.click();
    expect(texts(".tour-keys kbd")).toEqual(["Alt f", "Alt n", "Ctrl Shift Enter", "Ctrl j"]);
  });

  it("are not shown for a command that has none", () => {
    open(new KeyMap({ unused: [] }));
    expect([...document.querySelectorAll<HTMLElement>(".words-bar kbd")].map(({ hidden }) => hidden)).toEqual([true, false, false]);
  });
});
