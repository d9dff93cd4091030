/** What mouse, pen and wheel do on a pane. */

import type { Spot } from "./frame";
import type { Pane } from "./pane";
import type { ToolName } from "./view";

/** Movement up to this many pixels is a click. */
const CLICK_PX = 3;
/** A drag over this many pixels goes on by one picture. */
const PICTURE_PX = 6;
/** One notch of a wheel, which goes on by one picture. */
const NOTCH_PX = 100;

export interface PointerActions {
  readonly tool: ToolName;
  activate(pane: Pane): void;
  scroll(pane: Pane, by: number): void;
  zoom(pane: Pane, by: number, about: Spot): void;
  pan(pane: Pane, dx: number, dy: number): void;
  window(pane: Pane, dx: number, dy: number, isStart: boolean): void;
  crosshair(pane: Pane, spot: Spot): void;
  /** A measuring drag; true when something is being measured. */
  measure(pane: Pane, from: Spot, to: Spot, isEnd: boolean): void;
  /** Takes hold of what lies there; false when nothing does. */
  grip(pane: Pane, mark: string, handle: number | null): void;
  dragGrip(pane: Pane, from: Spot, to: Spot, isEnd: boolean): void;
  /** The drag has been taken away: what it has done so far counts for nothing. */
  cancel(): void;
  click(pane: Pane, spot: Spot): void;
  maximise(pane: Pane): void;
  hover(pane: Pane, spot: Spot | null): void;
}

type Doing = ToolName | "grip";

interface Drag {
  readonly doing: Doing;
  readonly from: Spot;
  last: Spot;
  rest: number;
  hasMoved: boolean;
}

const MEASURING: readonly Doing[] = ["length", "ellipse", "probe"];

function toolFor(event: PointerEvent, tool: ToolName): ToolName {
  if (event.button === 1) return "pan";
  if (event.button === 2) return "zoom";
  return tool;
}

function gripped(event: PointerEvent): { mark: string; handle: number | null } | null {
  const target = event.target instanceof Element ? event.target : null;
  const mark = target?.closest("[data-mark]")?.getAttribute("data-mark");
  const handle = target?.getAttribute("data-handle");
  return mark && event.button === 0 ? { mark, handle: handle === null || handle === undefined ? null : Number(handle) } : null;
}

/** Position on the pane, of a pointer event on anything in it. */
function spotOf(event: MouseEvent, element: Element): Spot {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

export function listen(pane: Pane, actions: PointerActions): void {
  const { element } = pane.parts;
  let drag: Drag | null = null;
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Element && event.target.closest(".vp-message")) return;
    // Of a second finger: the first drag goes no further.
    if (drag) actions.cancel();
    drag = begun(pane, event, actions);
    element.setPointerCapture(event.pointerId);
    if (event.button === 1) event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => {
    const spot = spotOf(event, element);
    actions.hover(pane, spot);
    if (!drag) return;
    drag.hasMoved ||= Math.hypot(spot[0] - drag.from[0], spot[1] - drag.from[1]) > CLICK_PX;
    if (drag.hasMoved) moved(pane, drag, spot, actions);
    drag.last = spot;
  });
  element.addEventListener("pointerup", (event) => {
    if (drag) ended(pane, drag, event, actions);
    drag = null;
  });
  element.addEventListener("pointercancel", () => {
    if (drag) actions.cancel();
    drag = null;
  });
  element.addEventListener("pointerleave", () => actions.hover(pane, null));
  element.addEventListener("dblclick", (event) => {
    const isOnMark = event.target instanceof Element && event.target.closest("[data-mark]") !== null;
    if (!isOnMark && !MEASURING.includes(actions.tool)) actions.maximise(pane);
  });
  listenToWheel(pane, actions);
}

function begun(pane: Pane, event: PointerEvent, actions: PointerActions): Drag {
  const from = spotOf(event, pane.parts.element);
  actions.activate(pane);
  const grip = gripped(event);
  const doing: Doing = grip ? "grip" : toolFor(event, actions.tool);
  if (grip) actions.grip(pane, grip.mark, grip.handle);
  else if (doing === "crosshairs") actions.crosshair(pane, from);
  else if (doing === "window") actions.window(pane, 0, 0, true);
  return { doing, from, last: from, rest: 0, hasMoved: false };
}

function ended(pane: Pane, { doing, from, hasMoved }: Drag, event: PointerEvent, actions: PointerActions): void {
  const spot = spotOf(event, pane.parts.element);
  if (doing === "grip") actions.dragGrip(pane, from, hasMoved ? spot : from, true);
  else if (doing === "probe" || (hasMoved && MEASURING.includes(doing))) actions.measure(pane, from, spot, true);
  else if (!hasMoved && event.button === 0) actions.click(pane, spot);
}

function listenToWheel(pane: Pane, actions: PointerActions): void {
  const { element } = pane.parts;
  let turned = 0;
  const turn = (event: WheelEvent): void => {
    event.preventDefault();
    actions.activate(pane);
    const amount = event.deltaY || event.deltaX;
    if (event.ctrlKey) return actions.zoom(pane, 2 ** (-amount / 400), spotOf(event, element));
    const notches = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? amount / NOTCH_PX : amount / 3;
    // A touch pad sends many small turns.
    turned = Math.abs(notches) < 0.5 ? turned + notches : notches;
    if (Math.abs(turned) < 0.5) return;
    const steps = Math.sign(turned) * Math.max(1, Math.round(Math.abs(turned)));
    turned = 0;
    actions.scroll(pane, event.shiftKey ? steps * 10 : steps);
    actions.hover(pane, spotOf(event, element));
  };
  element.addEventListener("wheel", turn, { passive: false });
}

function moved(pane: Pane, drag: Drag, spot: Spot, actions: PointerActions): void {
  const [dx, dy] = [spot[0] - drag.last[0], spot[1] - drag.last[1]];
  switch (drag.doing) {
    case "grip":
      return actions.dragGrip(pane, drag.from, spot, false);
    case "pan":
      return actions.pan(pane, dx, dy);
    case "zoom":
      return actions.zoom(pane, 2 ** (-dy / 150), drag.from);
    case "window":
      return actions.window(pane, spot[0] - drag.from[0], spot[1] - drag.from[1], false);
    case "crosshairs":
      return actions.crosshair(pane, spot);
    case "scroll": {
      drag.rest += dy;
      const by = Math.trunc(drag.rest / PICTURE_PX);
      drag.rest -= by * PICTURE_PX;
      if (by !== 0) actions.scroll(pane, by);
      return;
    }
    default:
      return actions.measure(pane, drag.from, spot, false);
  }
}
