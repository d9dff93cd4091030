/** Plots of the dashboard and what can be downloaded of them. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { csvOf } from "../../static/src/figures/csv";
import { showPlot } from "../../static/src/figures/frame";
import { said } from "../../static/src/figures/said";
import { standalone } from "../../static/src/figures/standalone";
import type { Row } from "../../static/src/figures/types";
import { whiskers, type Whisker } from "../../static/src/figures/whiskers";

const SVG = "http://www.w3.org/2000/svg";

function row(name: string, value: number | null): Row {
  const [low, high] = value === null ? [null, null] : [value - 0.1, value + 0.1];
  return { row: name, metric: "f1", value, low, high, n: 200, n_positive: 31, p: null };
}

function drawn(rows: readonly Row[], width: number): Element {
  const lines = rows.map((each): Whisker => ({ ...each, name: each.row, isHollow: false, title: said(each), why: "", href: "" }));
  return whiskers([["", lines]], { width, label: "F1", domain: [0, 1] });
}

beforeEach(() => {
  document.body.replaceChildren();
  document.documentElement.removeAttribute("data-theme");
});

describe("csvOf", () => {
  test("undefined is empty, not 0", () => {
    expect(csvOf([{ cell: "liver focal", f1: null, n: 0 }])).toBe("cell,f1,n\r\nliver focal,,0\r\n");
  });

  test("quotes what holds commas, quotes and line breaks", () => {
    expect(csvOf([{ a: 'say "a, b"\n' }])).toBe('a\r\n"say ""a, b""\n"\r\n');
  });

  test.each(["=1+1", "+1", "-1", "@x", "\tx"])("no spreadsheet computes %j", (text) => {
    expect(csvOf([{ a: text }]).split("\r\n")[1]).toBe(`'${text}`);
  });

  test("negative numbers stay numbers", () => {
    expect(csvOf([{ a: -0.5 }])).toBe("a\r\n-0.5\r\n");
  });

  test("no lines give no text", () => {
    expect(csvOf([])).toBe("");
  });
});

describe("whiskers", () => {
  test("have a line for each row, also where the figure is undefined, and a mark only where it is defined", () => {
    const picture = drawn([row("liver focal", 0.5), row("spleen focal", null)], 600);
    expect(picture.textContent).toContain("spleen focal");
    expect(picture.querySelectorAll("circle")).toHaveLength(1);
  });

  test("says value, interval and support", () => {
    expect(said(row("liver focal", 0.5))).toBe("liver focal: 0.500 (0.400 to 0.600), 31 of 200 positive");
    expect(said(row("liver focal", null))).toBe("liver focal: undefined, 31 of 200 positive");
  });
});

describe("a shown plot", () => {
  function shown(): HTMLElement {
    const figure = document.createElement("figure");
    figure.dataset["name"] = "f1";
    document.body.append(figure);
    showPlot(figure, { draw: (width) => drawn([row("liver focal", 0.5)], width), lines: () => [{ a: 1 }] });
    return figure;
  }

  test("has no style element: the content security policy would refuse it", () => {
    expect(shown().querySelector("svg")).not.toBeNull();
    expect(shown().querySelector("style")).toBeNull();
  });

  test.each([["SVG", "f1.svg"], ["CSV", "f1.csv"]])("is downloaded as %s by its name", (button, file) => {
    const names: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      names.push(this.download);
    });
    const figure = shown();
    const found = [...figure.querySelectorAll("button")].find((each) => each.textContent === button);
    found?.click();
    expect(names).toEqual([file]);
  });
});

describe("standalone", () => {
  function picture(): SVGSVGElement {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "plot");
    const link = document.createElementNS(SVG, "a");
    link.setAttribute("href", "/projects/a/cases/");
    const dot = document.createElementNS(SVG, "circle");
    dot.setAttribute("fill", "var(--accent)");
    link.append(dot);
    svg.append(link);
    document.body.append(svg);
    return svg;
  }

  test("is a file of its own: no variables, no classes, no addresses of this site, on white", () => {
    const text = standalone(picture());
    expect(text).toContain(`xmlns="${SVG}"`);
    expect(text).not.toMatch(/var\(|class=|href=/);
    expect(text).toContain('fill="#ffffff"');
  });

  test.each([null, "light"])("leaves picture and theme %j of the page as they were", (theme) => {
    if (theme) document.documentElement.setAttribute("data-theme", theme);
    const svg = picture();
    const before = svg.outerHTML;
    standalone(svg);
    expect(svg.outerHTML).toBe(before);
    expect(document.documentElement.getAttribute("data-theme")).toBe(theme);
  });
});
