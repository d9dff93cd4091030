import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bindRowKeys } from "../../static/src/lib/rowKeys";

let stop: AbortController;
let select: (position: number) => void;

/** Listeners on the document outlive a test unless they are taken off. */
beforeEach(() => {
  stop = new AbortController();
  const add = document.addEventListener.bind(document);
  vi.spyOn(document, "addEventListener").mockImplementation((type: string, listener: EventListenerOrEventListenerObject) => {
    add(type, listener, { signal: stop.signal });
  });
  Element.prototype.scrollIntoView = () => {};
  document.body.innerHTML = `<input id="filter"><table><tbody>
    <tr data-href="/a"><td><a href="/a">a</a></td></tr>
    <tr><td>not a row to open</td></tr>
    <tr data-href="/b"><td><a href="/b">b</a></td></tr>
    <tr data-href="/c"><td><a href="/c">c</a></td></tr></tbody></table>`;
  select = bindRowKeys(document.querySelector("table"), document.querySelector("input"));
});

afterEach(() => {
  stop.abort();
  vi.restoreAllMocks();
});

function press(key: string, init: KeyboardEventInit = {}): void {
  (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init }));
}

function focused(): string | null {
  return document.activeElement?.textContent ?? null;
}

test("j and k move over the rows that open something, and stop at the ends", () => {
  const seen = ["j", "j", "j", "j", "k", "Home", "k", "End"].map((key) => (press(key), focused()));
  expect(seen).toEqual(["a", "b", "c", "c", "b", "a", "a", "c"]);
  expect(document.querySelectorAll("tr.current")).toHaveLength(1);
});

test("a row that gets the focus is the one to go on from", () => {
  document.querySelector<HTMLElement>('a[href="/b"]')?.focus();
  press("ArrowDown");
  expect(focused()).toBe("c");
});

test("keys with a modifier and keys in the filter are left alone", () => {
  select(0);
  press("j", { ctrlKey: true });
  expect(focused()).toBe("a");
  press("/");
  expect(document.activeElement?.id).toBe("filter");
  press("j");
  expect(document.activeElement?.id).toBe("filter");
  press("Escape");
  expect(focused()).toBe("a");
});
