import { beforeEach, describe, expect, it, vi } from "vitest";
import { Measuring } from "../../static/src/viewer/measuring";
import type { Pane } from "../../static/src/viewer/pane";
import { Frame } from "../../static/src/viewer/frame";
import { listen } from "../../static/src/viewer/pointer";
import type { PointerActions } from "../../static/src/viewer/pointer";
import { SeriesState } from "../../static/src/viewer/seriesState";
import type { Measurement } from "../../static/src/viewer/types";
import type { ToolName } from "../../static/src/viewer/view";
import { createPaneParts } from "../../static/src/viewer/view";
import { sure, volume } from "./viewerFixtures";

const kept = vi.fn<(marks: readonly Measurement[]) => void>();
let measuring: Measuring;
let pane: Pane;
let tool: ToolName;

function makePane(): Pane {
  const state = new SeriesState(volume(1));
  const plane = sure(state.planes[0]);
  const frame = new Frame(plane.placement(2), { across_mm: 3, down_mm: 0.5, mmPerPixel: 0.1 }, { width: 100, height: 100 });
  return { parts: createPaneParts(0), state, plane, frame } as unknown as Pane;
}

/** The actions that measure; the others do nothing. */
function actions(): PointerActions {
  const nothing = (): void => undefined;
  return {
    get tool() {
      return tool;
    },
    activate: nothing,
    scroll: nothing,
    zoom: nothing,
    pan: nothing,
    window: nothing,
    crosshair: nothing,
    click: nothing,
    maximise: nothing,
    hover: nothing,
    measure: (on, from, to, isEnd) => measuring.drag("length", on, { from, to, isEnd }),
    grip: (_, mark, handle) => measuring.grip(mark, handle),
    dragGrip: (on, from, to, isEnd) => measuring.dragGrip(on, { from, to, isEnd }),
    cancel: () => measuring.cancel(),
  };
}

beforeEach(() => {
  kept.mockClear();
  measuring = new Measuring({ onMeasurements: kept, onPick: () => undefined, onTell: () => undefined });
  tool = "length";
  pane = makePane();
  pane.parts.element.setPointerCapture = () => undefined;
  listen(pane, actions());
});

function point(kind: string, clientX: number, clientY: number, target: Element = pane.parts.element): void {
  target.dispatchEvent(new PointerEvent(kind, { clientX, clientY, pointerId: 1, button: 0, bubbles: true }));
}
const drawn = (): number => measuring.draw(pane, sure(pane.frame)).length;

describe("a drag that the system takes away", () => {
  it("leaves no line that nobody keeps", () => {
    point("pointerdown", 10, 10);
    point("pointermove", 60, 40);
    expect(drawn()).toBe(1);
    point("pointercancel", 60, 40);
    expect(drawn()).toBe(0);
    point("pointerup", 60, 40);
    expect([drawn(), kept.mock.calls.length]).toEqual([0, 0]);
  });

  it("puts a mark that was being moved back where it lay", () => {
    point("pointerdown", 10, 10);
    point("pointermove", 60, 40);
    point("pointerup", 60, 40);
    const before = sure(measuring.marks[0]).points_lps_mm;
    const grip = document.createElement("i");
    grip.dataset["mark"] = sure(measuring.marks[0]).id;
    pane.parts.element.append(grip);
    point("pointerdown", 10, 10, grip);
    point("pointermove", 30, 30);
    expect(sure(measuring.marks[0]).points_lps_mm).not.toEqual(before);
    point("pointercancel", 30, 30);
    expect(sure(measuring.marks[0]).points_lps_mm).toEqual(before);
    expect(kept).toHaveBeenCalledOnce();
  });

  it("is the same when a second finger begins another", () => {
    point("pointerdown", 10, 10);
    point("pointermove", 60, 40);
    tool = "pan";
    point("pointerdown", 80, 80);
    expect(drawn()).toBe(0);
  });
});
