import { beforeEach, expect, test } from "vitest";
import { bindGridKeys } from "../../static/src/lib/gridKeys";

// Two rows of three; the schema lacks the middle cell of the second, and the last column holds sums without links.
const TABLE = `<table><tbody>
  <tr><th>liver</th><td><a href="#a">a</a></td><td><a href="#b">b</a></td><td><a href="#c">c</a></td><td>sum</td></tr>
  <tr><th>spleen</th><td><a href="#d">d</a></td><td></td><td><a href="#e" aria-current="true">e</a></td><td>sum</td></tr>
</tbody></table>`;

function focused(): string {
  return document.activeElement?.textContent ?? "";
}

function press(key: string, options: KeyboardEventInit = {}): boolean {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options });
  document.activeElement?.dispatchEvent(event);
  return event.defaultPrevented;
}

function start(name: string): void {
  document.querySelector<HTMLElement>(`a[href="#${name}"]`)?.focus();
}

beforeEach(() => {
  document.body.innerHTML = TABLE;
  const table = document.querySelector("table");
  if (table) bindGridKeys(table);
});

test.each([
  ["a", "ArrowRight", "b"],
  ["a", "ArrowDown", "d"],
  ["c", "ArrowLeft", "b"],
  ["e", "ArrowUp", "c"],
  ["d", "ArrowRight", "e"], // over the hole
  ["b", "ArrowDown", "b"], // nothing below the hole
  ["a", "ArrowUp", "a"],
  ["c", "ArrowRight", "c"],
  ["c", "Home", "a"],
  ["d", "End", "e"],
])("from %s, %s leads to %s", (from, key, to) => {
  start(from);
  expect(press(key)).toBe(true);
  expect(focused()).toBe(to);
});

test("with Ctrl, Home and End lead to the corners, and arrows stay the browser's", () => {
  start("d");
  press("Home", { ctrlKey: true });
  expect(focused()).toBe("a");
  press("End", { ctrlKey: true });
  expect(focused()).toBe("e");
  expect(press("ArrowUp", { ctrlKey: true })).toBe(false);
  expect(press("Tab")).toBe(false);
});

test("Tab reaches one link: the chosen one, then the one last stood on", () => {
  const reached = () => [...document.querySelectorAll<HTMLElement>("a")].filter((a) => a.tabIndex === 0).map((a) => a.textContent);
  expect(reached()).toEqual(["e"]);
  start("a");
  press("ArrowRight");
  expect(reached()).toEqual(["b"]);
});
