import { beforeEach, describe, expect, it, vi } from "vitest";
import { Pane } from "../../static/src/viewer/pane";
import { SeriesState } from "../../static/src/viewer/seriesState";
import { createPaneParts } from "../../static/src/viewer/view";
import { sure, volume } from "./viewerFixtures";

vi.mock("../../static/src/viewer/engine", () => ({ Screen: vi.fn() }));

const DRAWING = { mask: null, over: () => [], isActive: true, note: null };

function paneOf(state: SeriesState): Pane {
  const pane = new Pane(createPaneParts(0), 0, true);
  document.body.append(pane.parts.element);
  pane.size = { width: 300, height: 300 };
  pane.put(state, sure(state.planes[0]));
  return pane;
}
const message = (pane: Pane): HTMLElement => sure(pane.parts.element.querySelector<HTMLElement>("[role=alert]"));

/** What changes in the message while the pane is drawn three times. */
function changes(pane: Pane): MutationRecord[] {
  const draw = (): void => {
    pane.sayWhy();
    pane.draw(DRAWING);
  };
  draw();
  const watcher = new MutationObserver(() => undefined);
  watcher.observe(message(pane), { subtree: true, childList: true, characterData: true, attributes: true });
  for (let time = 0; time < 3; time += 1) draw();
  const records = watcher.takeRecords();
  watcher.disconnect();
  return records;
}

beforeEach(() => document.body.replaceChildren());

describe("why there is no picture", () => {
  it("is said once of a picture that cannot be decoded, however often the pane is drawn", () => {
    const state = new SeriesState(volume(1));
    state.loader.broken.set(2, "no such codec");
    const pane = paneOf(state);
    expect(changes(pane)).toEqual([]);
    expect(message(pane).textContent).toContain("This picture cannot be decoded: no such codec");
    expect(message(pane).hidden).toBe(false);
    state.setPicture(sure(state.planes[0]), 1);
    pane.sayWhy();
    expect(message(pane).hidden).toBe(true);
  });

  it("is said once of a series that failed, and goes away when it comes", () => {
    const state = new SeriesState(volume(1));
    state.loader.state = { kind: "failed", message: "The server has no such picture (404)." };
    const pane = paneOf(state);
    expect(changes(pane)).toEqual([]);
    expect(message(pane).textContent).toContain("no such picture");
    state.loader.state = { kind: "loading" };
    pane.sayWhy();
    expect(message(pane).hidden).toBe(true);
  });
});

describe("what is written over a picture", () => {
  const readout = (width: number): string => {
    const state = new SeriesState(volume(1));
    state.loader.voxels.put(2, { pixels: new Int16Array(12).fill(57), columns: 4, rows: 3, slope: 1, intercept: 0 });
    const pane = paneOf(state);
    pane.size = { width, height: 300 };
    pane.point([width / 2, 150]);
    return sure(pane.parts.element.querySelector(".vp-readout")?.textContent);
  };

  it("begins with the value where there is no room for all of it", () => {
    expect(readout(600)).toMatch(/^W 400 L 40 · 57 HU · \(.*\) mm$/);
    expect(readout(150)).toBe("57 HU · W 400 L 40");
  });

  it("keeps the directions in the order left, right, top, bottom, and the top one under a warning of any length", () => {
    const pane = paneOf(new SeriesState(volume(1, 5, { warnings: ["Unequal gaps."] })));
    pane.draw(DRAWING);
    const letters = [...pane.parts.element.querySelectorAll(".vp-letter")];
    expect(letters.map(({ textContent }) => textContent)).toEqual(["R", "L", "A", "P"]);
    expect(letters[2]?.previousElementSibling?.textContent).toBe("Unequal gaps.");
    expect(pane.parts.element.classList.contains("narrow")).toBe(true);
  });

  it("says how the pane scrolls", () => {
    const pane = paneOf(new SeriesState(volume(1)));
    const note = sure(pane.parts.element.querySelector<HTMLElement>(".vp-warning"));
    pane.draw({ ...DRAWING, note: "Scrolls by number." });
    expect([note.hidden, note.textContent]).toEqual([false, "Scrolls by number."]);
    pane.draw(DRAWING);
    expect(note.hidden).toBe(true);
  });
});
