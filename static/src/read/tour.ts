/** Six steps through the reading page for whoever sees it first. It can be left at any step and is not shown again. */

import { el, kbd, replaceChildren, setText } from "../lib/dom";
import { hint } from "./hints";

interface Step {
  /** What is explained; the first of these that is on the screen. */
  readonly at: readonly string[];
  readonly title: string;
  readonly text: string;
  /** Commands, as `bindingId` names them. */
  readonly keys: readonly string[];
}

const STEPS: readonly Step[] = [
  {
    at: ["#report-pane"],
    title: "The report",
    text: "Words that support the cell you are at are marked, by sign and colour of its value. Choose a sentence to go to its cell.",
    keys: ["pane"],
  },
  {
    at: ["#grid-place"],
    title: "The cells",
    text: "A row for each target, a column for each finding. Any cell is two letters away: that of its row, then that of its column.",
    keys: ["move:-1:0", "move:1:0", "move:0:-1", "move:0:1"],
  },
  {
    at: ["#card-place"],
    title: "One cell",
    text: "One key sets its value, Shift and a digit its urgency. What you change is saved at once and can be undone.",
    keys: ["value:+", "value:?", "value:0", "value:~", "value:."],
  },
  {
    at: ["#image-pane:not([hidden])", "#layout-buttons"],
    title: "The images",
    text: "They follow the target that you are at. Drag the line beside a pane to make it wider, or put the images on a second screen.",
    keys: ["layout:report", "layout:image", "layout:two"],
  },
  {
    at: ["#case-tools"],
    title: "The case",
    text: "Flag it, comment on it, skip it with a reason, or jump to another one.",
    keys: ["flag", "case-comment", "skip", "jump"],
  },
  {
    at: ["#submit-button"],
    title: "Done",
    text: "Submits the reading and shows the next case. All keys are listed, and can be changed, behind the question mark.",
    keys: ["submit", "help"],
  },
];

const GAP_PX = 12;

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Where a note of this size leaves what it explains in sight: beside it, above or below it, else in its corner. */
export function placeBeside(what: Box, note: { width: number; height: number }, screen: { width: number; height: number }): { left: number; top: number } {
  const right = what.left + what.width;
  const bottom = what.top + what.height;
  const inside = (left: number, top: number): { left: number; top: number } => ({
    left: Math.max(GAP_PX, Math.min(left, screen.width - note.width - GAP_PX)),
    top: Math.max(GAP_PX, Math.min(top, screen.height - note.height - GAP_PX)),
  });
  const middle = what.top + Math.min(what.height / 3, 160);
  if (right + GAP_PX + note.width < screen.width) return inside(right + GAP_PX, middle);
  if (what.left - GAP_PX - note.width > 0) return inside(what.left - GAP_PX - note.width, middle);
  if (what.top - GAP_PX - note.height > 0) return inside(what.left, what.top - GAP_PX - note.height);
  if (bottom + GAP_PX + note.height < screen.height) return inside(what.left, bottom + GAP_PX);
  return inside(right - note.width - GAP_PX, bottom - note.height - GAP_PX);
}

let running: (() => void) | null = null;

/** Shows the steps; `onDone` when they are over or left. */
export function startTour(onDone: () => void): void {
  running?.();
  let step = 0;
  let shown: Element | null = null;
  const title = el("h2", { attrs: { id: "tour-title" } });
  const text = el("p", { attrs: { id: "tour-text" } });
  const keys = el("p", { class: "tour-keys" });
  const count = el("span", { class: "dim" });
  const skip = el("button", { class: "button button-quiet", attrs: { type: "button" } }, ["Skip ", kbd("Esc")]);
  const back = el("button", { class: "button", text: "Back", attrs: { type: "button" } });
  const next = el("button", { class: "button button-primary", attrs: { type: "button" } });
  const note = el("div", { class: "tour", attrs: { role: "dialog", "aria-labelledby": "tour-title", "aria-describedby": "tour-text" } }, [
    title,
    text,
    keys,
    el("div", { class: "tour-foot" }, [count, el("span", { class: "grow" }), skip, back, next]),
  ]);

  const place = (): void => {
    if (!shown) return;
    const { left, top } = placeBeside(shown.getBoundingClientRect(), note.getBoundingClientRect(), {
      width: window.innerWidth,
      height: window.innerHeight,
    });
    note.style.setProperty("left", `${left}px`);
    note.style.setProperty("top", `${top}px`);
  };
  const show = (): void => {
    const now = STEPS[step];
    if (!now) return end();
    shown?.classList.remove("toured");
    shown = now.at.map((selector) => document.querySelector(selector)).find((found) => found !== null) ?? null;
    shown?.classList.add("toured");
    shown?.scrollIntoView({ block: "nearest" });
    setText(title, now.title);
    setText(text, now.text);
    replaceChildren(keys, now.keys.map((command) => hint(command)));
    setText(count, `${step + 1} of ${STEPS.length}`);
    back.hidden = step === 0;
    setText(next, step === STEPS.length - 1 ? "Start reading" : "Next");
    place();
    next.focus();
  };
  const end = (): void => {
    running = null;
    shown?.classList.remove("toured");
    note.remove();
    window.removeEventListener("resize", place);
    onDone();
  };
  const go = (by: number): void => {
    step = Math.max(0, step + by);
    show();
  };
  next.addEventListener("click", () => go(1));
  back.addEventListener("click", () => go(-1));
  skip.addEventListener("click", end);
  note.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") end();
    else if (event.key === "ArrowRight") go(1);
    else if (event.key === "ArrowLeft") go(-1);
    else return;
    event.preventDefault();
  });
  window.addEventListener("resize", place);
  running = end;
  document.body.append(note);
  show();
}
