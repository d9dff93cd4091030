/** The form that picks a threshold: a slider over the operating points, and the figures there. */

import { el } from "../lib/dom";
import { AT_THRESHOLD, FIGURE_WORDS, placeOf, shown, thresholdWords, type Condition, type OperatingPoint } from "./scores";

export interface Picker {
  /** The operating point that is shown. */
  readonly at: () => OperatingPoint;
}

/** Puts a slider in place of the number field; calls `moved` whenever another point is chosen. */
export function pickThreshold(form: HTMLFormElement, condition: Condition, points: readonly OperatingPoint[], moved: () => void): Picker {
  const field = form.querySelector<HTMLInputElement>("[name=threshold]");
  const row = form.querySelector("[data-operating-point]");
  const label = form.querySelector("label");
  if (!field || !row || !label) throw new Error("the form of the threshold lacks a part");
  const equal = points.findIndex((point) => point.isEqualError);
  const slider = el("input", {
    attrs: { type: "range", id: "threshold-slider", min: 0, max: points.length - 1, step: 1, value: placeOf(points, Number(field.value)) },
  });
  const words = el("output", { class: "threshold-words", attrs: { for: slider.id } });
  const at = (): OperatingPoint => points[Number(slider.value)] as OperatingPoint;
  const show = (threshold: number): void => {
    words.textContent = thresholdWords(threshold, condition.scale);
    slider.setAttribute("aria-valuetext", said(at(), condition));
    row.replaceChildren(...figuresOf(at(), condition).map((figure) => el("td", { class: "num", text: figure })));
  };
  const choose = (): void => {
    field.value = String(at().threshold);
    show(at().threshold);
    moved();
  };
  slider.addEventListener("input", choose);
  label.htmlFor = slider.id;
  field.type = "hidden";
  field.after(slider, words);
  if (equal >= 0) {
    const back = el("button", { class: "button", text: "To the EER", title: "The threshold at the equal error rate", attrs: { type: "button" } });
    back.addEventListener("click", () => {
      slider.value = String(equal);
      choose();
    });
    form.querySelector(".actions")?.prepend(back);
  }
  // A threshold that was kept stays as it is until the slider moves, though it may lie between two points.
  show(Number(field.value));
  return { at };
}

function figuresOf(point: OperatingPoint, condition: Condition): readonly string[] {
  return [...AT_THRESHOLD.map((figure) => shown(point[figure])), `${point.called} of ${condition.n}`];
}

function said(point: OperatingPoint, condition: Condition): string {
  const figures = AT_THRESHOLD.slice(0, 3).map((figure) => `${FIGURE_WORDS[figure]} ${shown(point[figure])}`);
  return [thresholdWords(point.threshold, condition.scale), ...figures].join(", ");
}
