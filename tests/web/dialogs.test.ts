import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { attentionOf } from "../../static/src/read/attention";
import type { Conflict } from "../../static/src/read/autosave";
import { KeyMap } from "../../static/src/read/keymap";
import { BINDINGS } from "../../static/src/read/keys";
import type { Labels } from "../../static/src/read/types";
import { openConflictDialog } from "../../static/src/read/view/conflictDialog";
import { openKeysDialog } from "../../static/src/read/view/keysDialog";
import type { KeysPage } from "../../static/src/read/view/keysDialog";
import { openSubmitDialog } from "../../static/src/read/view/submitDialog";
import { abdomen, cellOf, labels } from "./helpers";

beforeEach(() => {
  document.body.replaceChildren();
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

function press(key: string, change: KeyboardEventInit = {}): void {
  document.querySelector("dialog")?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...change }));
}

/** What the overlay of the keys needs of a page. */
function keysPage(): KeysPage & { keys: KeyMap } {
  return {
    schema: abdomen,
    keys: new KeyMap(),
    setKeys(keys) {
      this.keys = keys;
    },
    startTour: vi.fn<() => void>(),
  };
}

const keyOf = (says: string): HTMLElement | undefined =>
  [...document.querySelectorAll<HTMLElement>(".key-change")].find((button) => button.textContent?.startsWith(`${says}:`));
const chordOf = ({ keys }: KeysPage, wanted: string): string | undefined => keys.bindings.find(({ command }) => command.do === wanted)?.chords[0];
const keyNote = (): string => document.querySelector(".key-note")?.textContent ?? "";

describe("the keys", () => {
  it("are changed by choosing one and pressing another", () => {
    const page = keysPage();
    openKeysDialog(page, () => undefined);
    keyOf("undo")?.click();
    press("u", { code: "KeyU", ctrlKey: true });
    expect(chordOf(page, "undo")).toBe("Ctrl+u");
    expect(keyNote()).toContain("“undo” is now Ctrl+u");
    document.querySelector<HTMLElement>("[aria-label='reset undo']")?.click();
    expect(chordOf(page, "undo")).toBe("Ctrl+z");
  });

  it("refuse the letter of a target, and offer to swap with another command", () => {
    const page = keysPage();
    openKeysDialog(page, () => undefined);
    keyOf("next value")?.click();
    press("l");
    expect(keyNote()).toContain("l is the letter of liver");
    press("n");
    expect(keyNote()).toContain("n is already “next cell that needs you”");
    document.querySelector<HTMLElement>(".key-note button")?.click();
    expect([chordOf(page, "cycle"), chordOf(page, "attention")]).toEqual(["n", "Space"]);
  });

  it("are not swapped when one would be left with a key that means something else, and say why", () => {
    const page = keysPage();
    openKeysDialog(page, () => undefined);
    keyOf("next plane")?.click();
    press("l");
    document.querySelector<HTMLElement>(".key-note button")?.click();
    keyOf("next plane")?.click();
    press("Z", { code: "KeyZ", ctrlKey: true });
    expect(keyNote()).toContain("Ctrl+z is already “undo”, and they cannot be swapped: “undo” would get l, which is the letter of liver");
    expect(document.querySelector(".key-note button")).toBeNull();
    expect(chordOf(page, "undo")).toBe("Ctrl+z");
    expect(keyOf("next plane")?.classList.contains("waiting")).toBe(true);
  });

  it("stay as they are with Esc", () => {
    const page = keysPage();
    openKeysDialog(page, () => undefined);
    keyOf("undo")?.click();
    press("Escape");
    expect(page.keys.overrides).toEqual({});
    expect(keyOf("undo")?.classList.contains("waiting")).toBe(false);
  });

  it("are all shown, with the letters of this schema", () => {
    const dialog = openKeysDialog(keysPage(), () => undefined);
    const says = [...dialog.element.querySelectorAll("dd")].map((entry) => entry.textContent);
    for (const binding of BINDINGS.filter(({ group }) => group !== "Urgency")) expect(says).toContain(binding.says);
    for (const name of ["left kidney", "postsurgical", "medium"]) expect(says).toContain(name);
  });

  it("go away with the key that brought them", () => {
    const closed = vi.fn<() => void>();
    openKeysDialog(keysPage(), closed);
    press("?");
    expect(closed).toHaveBeenCalled();
    expect(document.querySelector("dialog")).toBeNull();
  });
});

describe("before submitting", () => {
  const on = { submit: vi.fn<() => void>(), visit: vi.fn<(index: number) => void>(), close: vi.fn<() => void>() };
  const open = (given: Labels): HTMLElement => openSubmitDialog(attentionOf(given, abdomen), abdomen, on).element;
  beforeEach(() => {
    for (const mock of Object.values(on)) mock.mockClear();
  });

  it("points out contradictions and takes the chord as the answer", () => {
    const dialog = open(labels({ "gallbladder|absent": "+", "gallbladder|focal": "+" }));
    expect(dialog.textContent).toContain("gallbladder: absent and focal");
    vi.advanceTimersByTime(500);
    press("Enter", { ctrlKey: true });
    expect(on.submit).toHaveBeenCalledOnce();
  });

  it("does not take a chord that is still held or pressed twice in haste", () => {
    open(labels({ "gallbladder|absent": "+", "gallbladder|focal": "+" }));
    press("Enter", { ctrlKey: true });
    vi.advanceTimersByTime(500);
    press("Enter", { ctrlKey: true, repeat: true });
    expect(on.submit).not.toHaveBeenCalled();
  });

  it("asks whether to record the undecided cells as not mentioned", () => {
    expect(open(labels({ "liver|focal": "+" }, "_")).textContent).toContain(
      "98 cells are not decided. Submitting records the 98 undecided cells as not mentioned.",
    );
  });

  it("insists on a decision for unreadable cells", () => {
    const dialog = open(labels({ "liver|focal": "!" }));
    vi.advanceTimersByTime(500);
    press("Enter", { ctrlKey: true });
    expect(on.submit).not.toHaveBeenCalled();
    dialog.querySelector<HTMLElement>(".button-primary")?.click();
    expect(on.visit).toHaveBeenCalledWith(cellOf("liver|focal"));
  });
});

describe("two versions", () => {
  const base = labels({ "spleen|focal": "+" });
  const conflict: Conflict = {
    base,
    mine: labels({ "spleen|focal": "+", "liver|focal": "+2" }),
    theirs: {
      ...labels({ "spleen|focal": "0", "liver|focal": "?" }),
      version: 4,
      client_id: "other",
      active_seconds: 0,
      saved_at: "",
    },
  };
  const resolved = vi.fn<(merged: Labels) => void>();
  const open = (): HTMLElement =>
    openConflictDialog(conflict, abdomen, { resolve: resolved, close: () => undefined }).element;
  beforeEach(() => resolved.mockClear());

  it("are shown cell by cell, with what only one side changed chosen already", () => {
    const dialog = open();
    const rows = [...dialog.querySelectorAll("tbody tr")].map((row) => row.textContent);
    expect(rows).toEqual(["spleen · focalpresentabsent", "liver · focalpresent, urgency mediumpossible"]);
    expect(dialog.textContent).toContain("1 still to choose");
    expect(dialog.querySelector<HTMLButtonElement>(".button-primary")?.disabled).toBe(true);
  });

  it("are not merged before every cell is chosen", () => {
    const dialog = open();
    press("Enter", { ctrlKey: true });
    expect(resolved).not.toHaveBeenCalled();
    dialog.querySelectorAll<HTMLInputElement>("input")[2]?.dispatchEvent(new Event("change"));
    press("Enter", { ctrlKey: true });
    const merged = resolved.mock.calls[0]?.[0];
    expect(merged?.values.charAt(cellOf("liver|focal"))).toBe("+");
    expect(merged?.urgencies.charAt(cellOf("liver|focal"))).toBe("2");
    expect(merged?.values.charAt(cellOf("spleen|focal"))).toBe("0");
  });

  it.each([
    ["m", conflict.mine.values],
    ["s", conflict.theirs.values],
  ])("are chosen whole with %s", (key, values) => {
    open();
    press(key);
    press("Enter", { ctrlKey: true });
    expect(resolved.mock.calls[0]?.[0].values).toBe(values);
  });
});
