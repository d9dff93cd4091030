import { describe, expect, it } from "vitest";
import { bars, laid, linesOf as barLines, type Part } from "../../static/src/figures/bars";
import { coefficients, domainOf, linesOf as pointLines, type Point } from "../../static/src/figures/coefficients";
import { heat, linesOf as squareLines, type Square } from "../../static/src/figures/heat";

function square(row: string, column: string, value: number | null, changes: Partial<Square> = {}): Square {
  const text = value === null ? "none shared" : value.toFixed(2);
  return { row, column, value, low: value, high: value, n_cases: 4, n_units: 40, text, said: `${row} and ${column}`, href: value === null ? null : `?reader=${row}`, ...changes };
}

function point(row: string, metric: string, value: number | null, low = value): Point {
  return { row, metric, value, low, high: value, said: `${row} ${metric}`, href: "?row=x" };
}

function part(rater: string, level: number, count: number, n: number): Part {
  return { rater, level, words: ["chronic", "low", "medium", "high"][level] ?? "", count, percent: (100 * count) / n, n };
}

const texts = (picture: Element): string[] => [...picture.querySelectorAll("text")].map((each) => each.textContent ?? "");

describe("a grid of figures", () => {
  const squares = [square("anna", "bert", 0.75), square("anna", "carl", null), square("bert", "carl", -0.2), square("anna", "anna", null, { is_alone: true, text: "9 read", href: null })];
  const picture = heat(squares, { width: 600, label: "Cohen κ", name: "matrix" });

  it("writes the figure into each square, and words where there is none", () => {
    expect(texts(picture)).toEqual(expect.arrayContaining(["0.75", "-0.20", "none shared", "9 read"]));
  });

  it("hatches what is undefined, so that it does not look like a low figure", () => {
    const hatched = [...picture.querySelectorAll("rect, g")].filter((each) => each.getAttribute("fill") === "url(#matrix-hatching)");
    expect(hatched.length).toBeGreaterThan(0);
    expect(picture.querySelector("pattern#matrix-hatching")).not.toBeNull();
  });

  it("shades a higher figure more strongly, never so that the text cannot be read", () => {
    const shades = heat([square("a", "b", 0), square("a", "c", 0.5), square("a", "d", 1)], { width: 600, label: "", name: "x" });
    const opacities = [...shades.querySelectorAll("rect[fill-opacity]")].map((each) => Number(each.getAttribute("fill-opacity")));
    expect(opacities).toEqual([0.04, 0.25, 0.46].map((each) => expect.closeTo(each, 5)));
  });

  it("links squares to their cases without a hundred stops for the keyboard", () => {
    const links = [...picture.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href") ?? link.getAttributeNS("http://www.w3.org/1999/xlink", "href"))).toEqual(["?reader=anna", "?reader=bert"]);
    expect(links.every((link) => link.getAttribute("tabindex") === "-1")).toBe(true);
  });

  it("downloads figures with what is behind them, without readers alone", () => {
    expect(squareLines(squares)).toEqual([
      { row: "anna", column: "bert", value: 0.75, low: 0.75, high: 0.75, n_cases: 4, n_units: 40 },
      { row: "anna", column: "carl", value: null, low: null, high: null, n_cases: 4, n_units: 40 },
      { row: "bert", column: "carl", value: -0.2, low: -0.2, high: -0.2, n_cases: 4, n_units: 40 },
    ]);
  });
});

describe("coefficients of lines", () => {
  it("reach from 0 to 1, and further down only where a figure or its interval does", () => {
    expect(domainOf([point("focal", "α", 0.4)])).toEqual([0, 1]);
    expect(domainOf([point("focal", "α", 0.1, -0.13), point("focal", "AC1", null)])).toEqual([-0.2, 1]);
    expect(domainOf([point("focal", "α", -1)])).toEqual([-1, 1]);
    expect(domainOf([])).toEqual([0, 1]);
  });

  it("have a key with a sign for each, and say where nothing is defined", () => {
    const points = [point("focal", "α", 0.4), point("focal", "AC1", 0.9), point("device", "α", null), point("device", "AC1", null)];
    const said = texts(coefficients(points, { width: 600, label: "presence" }));
    expect(said).toEqual(expect.arrayContaining(["α", "AC1", "focal", "device"]));
    expect(said.filter((each) => each === "undefined")).toHaveLength(1);
  });

  it("download without what only the picture needs", () => {
    expect(pointLines([point("focal", "α", 0.4)])).toEqual([{ row: "focal", metric: "α", value: 0.4, low: 0.4, high: 0.4 }]);
  });
});

describe("bars of levels", () => {
  const parts = [part("anna", 0, 1500, 2000), part("anna", 1, 480, 2000), part("anna", 3, 20, 2000), part("bert", 2, 5, 5)];

  it("lie one after the other for each rater", () => {
    expect(laid(parts, 5).map(({ rater, x1, x2 }) => [rater, x1, x2])).toEqual([
      ["anna", 0, 75],
      ["anna", 75, 99],
      ["anna", 99, 100],
      ["bert", 0, 100],
    ]);
  });

  it("have as much written in them as there is room for, and all in the tooltip", () => {
    expect(laid(parts, 5).map(({ text }) => text)).toEqual(["1,500 · 75.0 %", "480 · 24.0 %", "", "5 · 100.0 %"]);
    expect(laid(parts, 2)[1]?.text).toBe("24.0 %");
    expect(laid(parts, 5)[2]?.said).toBe("anna: level 3, high: 20 of 2,000 (1.0 %)");
    expect(laid([part("anna", 1, 0, 5)], 5)[0]?.text).toBe("");
  });

  it("have a key with the words of the levels", () => {
    expect(texts(bars(parts, { width: 700, label: "Urgencies" }))).toEqual(expect.arrayContaining(["0 chronic", "1 low", "2 medium", "3 high"]));
  });

  it("download with counts and percentages", () => {
    expect(barLines(parts)[2]).toEqual({ rater: "anna", level: 3, words: "high", count: 20, percent: 1, n: 2000 });
  });
});
