/** Plots by cell: what is shown in which order, in how many columns, and what is said of it. */

import { describe, expect, test } from "vitest";
import { domainOf, grouped, linesOf, whiskerOf } from "../../static/src/figures/cells";
import { columnsFor, laid } from "../../static/src/figures/columns";
import { differences, evenDomain, whiskerOf as differenceOf } from "../../static/src/figures/differences";
import { humanPlot, humanRows } from "../../static/src/figures/humans";
import type { Compared, Place, Row } from "../../static/src/figures/types";
import { whiskers } from "../../static/src/figures/whiskers";

const PLACES: Place[] = [
  { row: "spleen focal", scope: "cell", target: "spleen", finding: "focal" },
  { row: "liver focal", scope: "cell", target: "liver", finding: "focal" },
  { row: "liver diffuse", scope: "cell", target: "liver", finding: "diffuse" },
  { row: "target liver", scope: "target", target: "liver", finding: "" },
];

function row(name: string, value: number | null, { metric = "f1", n_positive = 30 } = {}): Row {
  const [low, high] = value === null ? [null, null] : [value - 0.1, value + 0.1];
  return { row: name, metric, value, low, high, n: 200, n_positive, p: null };
}

const ROWS = [
  row("spleen focal", 0.9),
  row("liver focal", null, { n_positive: 0 }),
  row("liver diffuse", 0.3, { n_positive: 9 }),
  row("target liver", 0.4),
  row("spleen focal", 0.1, { metric: "recall" }),
];
const WANTED = { metric: "f1", order: "schema", scope: "cell" };

function namesOf(order: string, scope = "cell"): string[] {
  return grouped({ rows: ROWS, places: PLACES }, { ...WANTED, order, scope }).flatMap(([, members]) => members.map(({ place }) => place.row));
}

describe("cells", () => {
  test("stand under their targets in the order of the schema", () => {
    const groups = grouped({ rows: ROWS, places: PLACES }, WANTED);
    expect(groups.map(([name, members]) => [name, members.length])).toEqual([["spleen", 1], ["liver", 2]]);
  });

  test("are sorted by value or by support, undefined ones last and not dropped", () => {
    expect(namesOf("lowest")).toEqual(["liver diffuse", "spleen focal", "liver focal"]);
    expect(namesOf("positives")).toEqual(["liver focal", "liver diffuse", "spleen focal"]);
  });

  test("targets are shown instead where they are chosen", () => {
    expect(namesOf("schema", "target")).toEqual(["target liver"]);
  });

  test("with few negatives are hollow too, and say so", () => {
    const [spleen] = grouped({ rows: [row("spleen focal", 0.9, { n_positive: 195 })], places: PLACES }, WANTED);
    const [whisker] = (spleen?.[1] ?? []).map((each) => whiskerOf(each, { order: "schema", href: "" }));
    expect([whisker?.isHollow, whisker?.title]).toEqual([true, "spleen focal: 0.900 (0.800 to 1.000), 195 of 200 positive: few negatives"]);
  });

  test("with few positives are hollow, and what is undefined says how many are positive", () => {
    const [spleen, liver] = grouped({ rows: ROWS, places: PLACES }, WANTED).map(([, members]) => members.map((each) => whiskerOf(each, { order: "schema", href: "" })));
    expect(spleen?.map((each) => [each.name, each.isHollow])).toEqual([["focal", false]]);
    expect(liver?.map((each) => [each.value, each.isHollow, each.why])).toEqual([[null, true, "0 of 200 positive"], [0.3, true, "9 of 200 positive"]]);
  });

  test("the data behind the plot keeps what is undefined", () => {
    expect(linesOf(grouped({ rows: ROWS, places: PLACES }, WANTED)).map((line) => [line["finding"], line["value"]])).toEqual([
      ["focal", 0.9],
      ["focal", null],
      ["diffuse", 0.3],
    ]);
  });

  test("the axis starts at 0 unless something lies below", () => {
    expect(domainOf(ROWS)).toEqual([0, 1]);
    expect(domainOf([row("liver focal", 0.05)])).toEqual([-1, 1]); // its interval reaches -0.05
  });
});

describe("columns", () => {
  test("as many as fit the width, and no more than the lines need", () => {
    expect(columnsFor(108, 1100)).toBe(3);
    expect(columnsFor(108, 400)).toBe(1);
    expect(columnsFor(12, 1100)).toBe(1);
  });

  test("a target is not split, and each starts where the one before it ends", () => {
    const { placed, columns, lines } = laid([["a", [1, 2]], ["b", [3]], ["c", [4, 5, 6]]], 2);
    // Blocks of 3, 2 and 4 lines: 5 and 4 is the most even way.
    expect([columns, lines]).toEqual([2, 5]);
    expect(placed.map((each) => [each.heading ?? each.data, each.column, each.line])).toEqual([
      ["a", 0, 0], [1, 0, 1], [2, 0, 2], ["b", 0, 3], [3, 0, 4], ["c", 1, 0], [4, 1, 1], [5, 1, 2], [6, 1, 3],
    ]);
  });

  test("one list without a name is cut anywhere", () => {
    const { placed, columns, lines } = laid([["", [1, 2, 3, 4, 5]]], 2);
    expect([columns, lines]).toEqual([2, 3]);
    expect(placed.filter((each) => each.column === 1).map((each) => each.data)).toEqual([4, 5]);
  });

  test("nothing takes one empty column", () => {
    expect(laid([], 3)).toEqual({ placed: [], columns: 1, lines: 0 });
  });
});

describe("whiskers", () => {
  test("a line without a value says that it is undefined, and links do not stop the Tab key", () => {
    const groups = grouped({ rows: ROWS, places: PLACES }, WANTED).map(
      ([name, members]) => [name, members.map((each) => whiskerOf(each, { order: "schema", href: "/cases" }))] as const,
    );
    const picture = whiskers(groups, { width: 800, label: "F1", domain: [0, 1] });
    expect(picture.textContent).toContain("undefined: 0 of 200 positive");
    expect(picture.textContent).toContain("liver diffuse: 0.300 (0.200 to 0.400), 9 of 200 positive: few positives");
    expect(picture.querySelectorAll("a").length).toBe(2);
    expect([...picture.querySelectorAll("a")].every((link) => link.getAttribute("tabindex") === "-1")).toBe(true);
  });
});

describe("differences", () => {
  function compared(name: string, difference: number | null, holm: number | null): Compared {
    const [low, high] = difference === null ? [null, null] : [difference - 0.1, difference + 0.1];
    const [first, second] = [difference === null ? null : 0.5 + difference, 0.5];
    return { row: name, metric: "f1", first, second, difference, low, high, n: 9, n_positive: 3, p_permutation: holm, holm_permutation: holm };
  }
  const rows = [compared("spleen focal", 0.05, 0.5), compared("liver focal", null, null), compared("liver diffuse", -0.3, 0.04)];

  test("largest first whatever its sign, undefined last", () => {
    const [group] = differences({ rows, places: PLACES }, { metric: "f1", order: "largest" });
    expect(group?.[1].map(({ place }) => place.row)).toEqual(["liver diffuse", "spleen focal", "liver focal"]);
  });

  test("only what differs after correction is filled", () => {
    const made = differences({ rows, places: PLACES }, { metric: "f1", order: "schema" }).flatMap(([, members]) => members.map((each) => differenceOf(each, { order: "schema", cases: "/cases?other=b" })));
    expect(made.map((each) => each.isHollow)).toEqual([true, true, false]);
    expect(made[1]?.why).toBe("in A");
    expect(made.map((each) => each.href)).toEqual(["/cases?other=b&row=spleen+focal&kind=first-only", "", "/cases?other=b&row=liver+diffuse&kind=second-only"]);
    expect(made[2]?.title).toBe("liver diffuse: A 0.200, B 0.500, difference -0.300 (-0.400 to -0.200), corrected p 0.040");
  });

  test("no difference is in the middle of the axis", () => {
    expect(evenDomain(rows)).toEqual([-0.4, 0.4]);
    expect(evenDomain([])).toEqual([-0.1, 0.1]);
  });
});

describe("humans", () => {
  const rows = ["human ann", "human ann / labeler", "human average", "human average / labeler"].map((name) => row(name, 0.8));

  test("reader and labeler are a pair, the mean comes last, and who cannot be judged is left out", () => {
    const found = humanRows(rows, { metric: "f1", readers: ["ann", "bob"] });
    expect(found.map(({ side, name }) => [side, name])).toEqual([
      ["reader", "ann"], ["labeler", "ann"], ["reader", "mean of readers"], ["labeler", "mean of readers"],
    ]);
  });

  test("both sides of a pair are drawn with what they say", () => {
    const picture = humanPlot(humanRows(rows, { metric: "f1", readers: ["ann"] }), { width: 700, label: "F1" });
    expect(picture.textContent).toContain("human ann / labeler: 0.800 (0.700 to 0.900)");
    expect(picture.textContent).toContain("mean of readers");
  });
});
