import { beforeEach, describe, expect, test } from "vitest";
import { bindFilter, matches } from "../../static/src/lib/filterTable";
import { bindSorting, sortedOrder } from "../../static/src/lib/sortTable";

const TABLE = `
  <label hidden>Show only <input type="search" data-filters="cells"></label>
  <span data-filter-count="cells"></span>
  <table id="cells">
    <thead><tr><th data-sort="text">Target</th><th data-sort="text">Finding</th><th data-sort="number" title="of cases">F1</th><th>plain</th></tr></thead>
    <tbody>
      <tr><td>liver</td><th>focal</th><td data-value="0.9">0.900 <small>0.800 to 0.950</small></td><td></td></tr>
      <tr><td>spleen</td><th>focal</th><td data-value="">–</td><td></td></tr>
      <tr><td>liver</td><th>diffuse</th><td data-value="-0.25">−0.250</td><td></td></tr>
      <tr><td>right kidney</td><th>focal</th><td data-value="0.10">0.100</td><td></td></tr>
    </tbody>
  </table>`;

function table(): HTMLTableElement {
  return document.querySelector("table") as HTMLTableElement;
}

function shown(): string[] {
  const rows = [...table().querySelectorAll<HTMLElement>("tbody tr")].filter((row) => !row.hidden);
  return rows.map((row) => `${row.children[0]?.textContent} ${row.children[1]?.textContent}`);
}

function click(name: string): HTMLElement {
  const button = [...document.querySelectorAll("button")].find((each) => each.textContent === name) as HTMLElement;
  button.click();
  return button.closest("th") as HTMLElement;
}

beforeEach(() => {
  document.body.innerHTML = TABLE;
});

describe("sortedOrder", () => {
  const numbers = ["10", "", "9", "-1", "10"];

  test("numbers are sorted as numbers, and what is undefined is last either way", () => {
    expect(sortedOrder(numbers, { sorting: "number", direction: "ascending" })).toEqual([3, 2, 0, 4, 1]);
    expect(sortedOrder(numbers, { sorting: "number", direction: "descending" })).toEqual([0, 4, 2, 3, 1]);
  });

  test("equal keys stay in the order they had", () => {
    expect(sortedOrder(["b", "a", "b", "a"], { sorting: "text", direction: "ascending" })).toEqual([1, 3, 0, 2]);
    expect(sortedOrder(["b", "a", "b", "a"], { sorting: "text", direction: "descending" })).toEqual([0, 2, 1, 3]);
  });
});

describe("bindSorting", () => {
  test("a click sorts up, the next down, the third gives the order of the server back", () => {
    const before = shown();
    bindSorting(table());
    const head = click("F1");
    expect(shown()).toEqual(["liver diffuse", "right kidney focal", "liver focal", "spleen focal"]);
    expect(head.getAttribute("aria-sort")).toBe("ascending");
    click("F1");
    expect(shown()).toEqual(["liver focal", "right kidney focal", "liver diffuse", "spleen focal"]);
    expect(head.getAttribute("aria-sort")).toBe("descending");
    click("F1");
    expect(shown()).toEqual(before);
    expect(head.hasAttribute("aria-sort")).toBe(false);
  });

  test("only the head sorted by says so", () => {
    bindSorting(table());
    click("F1");
    click("Finding");
    expect([...document.querySelectorAll("[aria-sort]")].map((head) => head.textContent)).toEqual(["Finding"]);
    expect(shown()[0]).toBe("liver diffuse");
  });

  test("heads are buttons that keep what they explained; others are left alone", () => {
    bindSorting(table());
    expect(document.querySelectorAll("thead button").length).toBe(3);
    expect(document.querySelector<HTMLElement>("button[title]")?.title).toBe("of cases");
  });
});

describe("bindFilter", () => {
  function type(text: string): void {
    const input = document.querySelector("input") as HTMLInputElement;
    input.value = text;
    input.dispatchEvent(new Event("input"));
  }

  test("every word must be in what the line is about, whatever the case", () => {
    expect(matches("right kidney focal", "FOCAL kid")).toBe(true);
    expect(matches("right kidney focal", "focal liver")).toBe(false);
    expect(matches("anything", "")).toBe(true);
  });

  test("rows without the words are hidden and counted, figures are not searched", () => {
    bindFilter(document.querySelector("input") as HTMLInputElement);
    expect(document.querySelector("label")?.hidden).toBe(false);
    type("liver");
    expect(shown()).toEqual(["liver focal", "liver diffuse"]);
    expect(document.querySelector("span")?.textContent).toBe("2 of 4");
    type("0.9");
    expect(shown()).toEqual([]);
    type(" ");
    expect(shown().length).toBe(4);
    expect(document.querySelector("span")?.textContent).toBe("");
  });
});
