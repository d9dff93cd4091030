import { beforeEach, describe, expect, it, vi } from "vitest";
import { placeBeside, startTour } from "../../static/src/read/tour";
import { buildTemplate } from "./template";

beforeEach(() => buildTemplate());

const note = (): HTMLElement => document.querySelector(".tour") as HTMLElement;
const press = (key: string): boolean => note().dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

describe("the tour", () => {
  it("has six steps, each at something that is on the page", () => {
    const done = vi.fn<() => void>();
    startTour(done);
    const seen = new Set<string>();
    for (let step = 1; step <= 6; step += 1) {
      expect(note().textContent).toContain(`${step} of 6`);
      const at = document.querySelector(".toured");
      expect(at?.id).toBeTruthy();
      seen.add(at?.id ?? "");
      expect(document.activeElement?.textContent).toBe(step === 6 ? "Start reading" : "Next");
      (document.activeElement as HTMLElement).click();
    }
    expect(seen.size).toBe(6);
    expect(done).toHaveBeenCalledOnce();
    expect(document.querySelector(".tour, .toured")).toBeNull();
  });

  it("is left with Esc, and walked with the arrows", () => {
    const done = vi.fn<() => void>();
    startTour(done);
    press("ArrowRight");
    expect(note().textContent).toContain("2 of 6");
    press("ArrowLeft");
    expect(note().textContent).toContain("1 of 6");
    press("Escape");
    expect(done).toHaveBeenCalledOnce();
  });
});

describe("its note", () => {
  const screen = { width: 1280, height: 800 };
  const size = { width: 384, height: 200 };
  const boxes = {
    "a pane at the left": { left: 0, top: 44, width: 400, height: 720 },
    "a pane at the right": { left: 800, top: 44, width: 480, height: 720 },
    "a button below": { left: 1100, top: 766, width: 170, height: 28 },
    "a row above": { left: 200, top: 0, width: 900, height: 40 },
  };
  it.each(Object.entries(boxes))("does not cover %s", (_name, box) => {
    const { left, top } = placeBeside(box, size, screen);
    const apart = left >= box.left + box.width || left + size.width <= box.left || top >= box.top + box.height || top + size.height <= box.top;
    expect(apart).toBe(true);
    expect([left >= 0, top >= 0, left + size.width <= screen.width, top + size.height <= screen.height]).toEqual([true, true, true, true]);
  });
});
