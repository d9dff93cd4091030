import { beforeEach, describe, expect, it, vi } from "vitest";
import { halfWidth, linesOfLearning, pointsOf, value, type Learning } from "../../static/src/figures/learning";
import { byThreshold, pointLines, reliability, roc } from "../../static/src/figures/scorePlots";
import { linesOf, operatingPoints, placeOf, probabilityOf, shown, thresholdWords, withInterval, type Condition } from "../../static/src/figures/scores";
import { pickThreshold } from "../../static/src/figures/thresholdPicker";

// Four cases with scores -1, 0, 1 and 2, of which 0 and 2 are positive; thresholds half way between.
const CONDITION: Condition = {
  cell: "spine|stenosis",
  name: "spine stenosis",
  scale: "logit_difference",
  n: 4,
  n_positive: 2,
  figures: {
    auroc: { value: 0.75, low: 0.2, high: 1 },
    eer: { value: 0.5, low: null, high: null },
    threshold: { value: 0.5, low: -1, high: 2 },
    brier: { value: 0.2, low: 0.1, high: 0.3 },
    ece: { value: null, low: null, high: null },
  },
  roc: { false_positive_rate: [0, 0, 0.5, 1], true_positive_rate: [0, 0.5, 0.5, 1], threshold: [2, 1.5, 0.5, -2] },
  reliability: { start: [0, 0.5], end: [0.5, 1], n: [0, 4], mean_probability: [null, 0.7], share_positive: [null, 0.5], low: [0, 0.2], high: [1, 0.8] },
  threshold_table: {
    threshold: [2, 1.5, 0.5, -0.5, -2],
    n_called_positive: [0, 1, 2, 3, 4],
    recall: [0, 0.5, 0.5, 1, 1],
    specificity: [1, 1, 0.5, 0.5, 0],
    precision: [null, 1, 0.5, 0.667, 0.5],
    f1: [0, 0.667, 0.5, 0.8, 0.667],
    balanced_accuracy: [0.5, 0.75, 0.5, 0.75, 0.5],
    is_equal_error: [false, false, true, false, false],
  },
  picked: null,
};
const POINTS = operatingPoints(CONDITION);

describe("operating points", () => {
  it("go from the lowest threshold to the highest", () => {
    expect(POINTS.map((point) => point.threshold)).toEqual([-2, -0.5, 0.5, 1.5, 2]);
    expect(POINTS.map((point) => point.isEqualError)).toEqual([false, false, true, false, false]);
  });

  it("keep what is undefined apart from 0", () => {
    expect(POINTS[4]?.precision).toBeNull();
    expect(POINTS[4]?.recall).toBe(0);
  });

  it("are found by the highest threshold that is not above", () => {
    expect([-9, -2, 0.4, 0.5, 9].map((threshold) => placeOf(POINTS, threshold))).toEqual([0, 0, 1, 2, 4]);
  });

  it("are the data behind their plot", () => {
    expect(pointLines(POINTS)[2]).toEqual({
      threshold: 0.5,
      n_called_positive: 2,
      recall: 0.5,
      specificity: 0.5,
      precision: 0.5,
      f1: 0.5,
      balanced_accuracy: 0.5,
      is_equal_error: 1,
    });
  });
});

describe("words", () => {
  it("have three decimals, and 0 and 1 only for none and all", () => {
    expect([0.25, 1, 0, 0.9999, 0.0001, -0.5, -0.0001, null].map(shown)).toEqual([
      "0.250",
      "1.000",
      "0.000",
      "> 0.999",
      "< 0.001",
      "−0.500",
      "> −0.001",
      "–",
    ]);
  });

  it("say the interval where there is one", () => {
    expect(withInterval(CONDITION.figures["auroc"])).toBe("0.750 (0.200 to 1.000)");
    expect(withInterval(CONDITION.figures["eer"])).toBe("0.500");
    expect(withInterval(CONDITION.figures["ece"])).toBe("undefined");
  });

  it("give the probability that a logit difference stands for", () => {
    // ln 3 is odds of 3 to 1.
    expect(probabilityOf(Math.log(3))).toBeCloseTo(0.75, 12);
    expect(thresholdWords(Math.log(3), "logit_difference")).toBe("1.099 (p 0.750)");
    expect(thresholdWords(0.4, "probability")).toBe("0.400");
  });

  it("make lines of columns", () => {
    expect(linesOf({ a: [1, 2], b: [true, null] })).toEqual([{ a: 1, b: 1 }, { a: 2, b: null }]);
    expect(linesOf({})).toEqual([]);
  });
});

describe("picking a threshold", () => {
  const moved = vi.fn();
  let form: HTMLFormElement;

  function picker(start: string): { slider: HTMLInputElement; at: () => number; words: () => string; figures: () => (string | null)[] } {
    document.body.innerHTML = `<form><label for="id_threshold">Threshold</label>
      <input type="number" name="threshold" id="id_threshold" value="${start}">
      <table><tbody><tr data-operating-point></tr></tbody></table><div class="actions"></div></form>`;
    form = document.querySelector("form") as HTMLFormElement;
    const made = pickThreshold(form, CONDITION, POINTS, moved);
    return {
      slider: form.querySelector("[type=range]") as HTMLInputElement,
      at: () => made.at().threshold,
      words: () => form.querySelector("output")?.textContent ?? "",
      figures: () => [...form.querySelectorAll("td")].map((cell) => cell.textContent),
    };
  }

  beforeEach(() => moved.mockClear());

  it("starts at the threshold of the form and shows the figures there", () => {
    const shownNow = picker("0.5");
    expect(shownNow.at()).toBe(0.5);
    expect(shownNow.figures()).toEqual(["0.500", "0.500", "0.500", "0.500", "0.500", "2 of 4"]);
    expect(shownNow.slider.getAttribute("aria-valuetext")).toBe("0.500 (p 0.622), Recall 0.500, Specificity 0.500, Precision 0.500");
    expect(moved).not.toHaveBeenCalled();
  });

  it("follows the slider, in the form too", () => {
    const shownNow = picker("0.5");
    shownNow.slider.value = "4";
    shownNow.slider.dispatchEvent(new Event("input"));
    expect(shownNow.at()).toBe(2);
    expect(shownNow.figures()).toEqual(["0.000", "1.000", "–", "0.000", "0.500", "0 of 4"]);
    expect(new FormData(form).get("threshold")).toBe("2");
    expect(moved).toHaveBeenCalledOnce();
  });

  it("leaves a kept threshold as it is until the slider moves", () => {
    const shownNow = picker("0.7");
    expect(shownNow.at()).toBe(0.5);
    expect(shownNow.words()).toBe("0.700 (p 0.668)");
    expect(new FormData(form).get("threshold")).toBe("0.7");
  });

  it("goes back to the equal error rate", () => {
    const shownNow = picker("2");
    form.querySelector("button")?.click();
    expect(shownNow.at()).toBe(0.5);
    expect(new FormData(form).get("threshold")).toBe("0.5");
  });
});

describe("plots", () => {
  const at = POINTS[4];

  it("have a name and a description", () => {
    if (!at) throw new Error("no point");
    const pictures = [roc(CONDITION, { width: 400, at }), byThreshold(CONDITION, POINTS, { width: 400, at }), reliability(CONDITION, { width: 400 })];
    expect(pictures.map((picture) => picture.getAttribute("aria-label"))).toEqual([
      "ROC curve of spine stenosis",
      "Recall, specificity, precision and F1 of spine stenosis by threshold",
      "Reliability of spine stenosis",
    ]);
    expect(pictures[0]?.getAttribute("aria-description")).toBe("Area under the curve 0.750 (0.200 to 1.000).");
  });

  it("leave out what is undefined", () => {
    if (!at) throw new Error("no point");
    // Of four figures at the highest threshold precision is undefined: three marks. One bin of two has cases.
    expect(byThreshold(CONDITION, POINTS, { width: 400, at }).querySelectorAll("circle")).toHaveLength(3);
    expect(reliability(CONDITION, { width: 400 }).querySelectorAll("circle")).toHaveLength(1);
  });
});

describe("the learning curve", () => {
  const point = { n: 50, n_positive: 9, value: 0.8, low: 0.7, high: 0.9, half_width: 0.1 };
  const learning: Learning = {
    metric: "f1",
    wished: 0.05,
    points: [
      { ...point, metric: "f1", n_cases: 10, value: null, low: null, high: null, half_width: null },
      { ...point, metric: "recall", n_cases: 10 },
      { ...point, metric: "f1", n_cases: 20 },
      { ...point, metric: "f1", n_cases: 30 },
    ],
  };

  it("is of the figure that is shown, and leaves out what is undefined", () => {
    expect(pointsOf(learning).map((each) => each.n_cases)).toEqual([10, 20, 30]);
    expect(value(learning, 400).querySelectorAll("circle")).toHaveLength(2);
    expect(halfWidth(learning, 400).getAttribute("aria-label")).toBe("Half width of the interval of F1 by cases read");
  });

  it("is downloaded as a whole", () => {
    expect(linesOfLearning(learning)).toHaveLength(4);
    expect(linesOfLearning(learning)[0]?.["value"]).toBeNull();
  });
});
