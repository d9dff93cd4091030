/** The report as a file of its own. */

import { beforeEach, expect, test } from "vitest";
import { inLight, pageOf } from "../../static/src/figures/report";

beforeEach(() => {
  document.documentElement.removeAttribute("data-theme");
  document.documentElement.lang = "en";
  document.head.innerHTML = "<style>p { color: red; } .far { background: url(https://example.org/x.png); }</style>";
  document.body.innerHTML = `<article id="report"><h2>rules beside readers</h2><p>F1 <a href="/cases">0.9</a></p>
    <button>SVG</button><script type="application/json">{}</script><p data-not-saved>wait</p>
    <svg><a href="/cases"><circle r="2"></circle></a></svg></article>`;
});

function saved(): Document {
  return new DOMParser().parseFromString(pageOf(document.getElementById("report") as HTMLElement), "text/html");
}

test("holds the text and the pictures, and nothing that acts or leads away", () => {
  const page = saved();
  expect(page.querySelector("title")?.textContent).toBe("rules beside readers");
  expect(page.querySelector("p")?.textContent).toBe("F1 0.9");
  expect(page.querySelectorAll("svg circle")).toHaveLength(1);
  expect(page.querySelectorAll("script, button, a[href], [data-not-saved]")).toHaveLength(0);
});

test("holds the rules of the page but for those that would fetch something", () => {
  const style = saved().querySelector("style")?.textContent ?? "";
  expect(style).toContain("color: red");
  expect(style).not.toContain("example.org");
});

test("is light, in the language of the page, and forbids itself to fetch anything", () => {
  const page = saved();
  expect(page.documentElement.dataset["theme"]).toBe("light");
  expect(page.documentElement.lang).toBe("en");
  expect(page.querySelector("meta[http-equiv]")?.getAttribute("content")).toContain("default-src 'none'");
});

test("leaves the page itself as it is", () => {
  const before = document.body.innerHTML;
  saved();
  expect(document.body.innerHTML).toBe(before);
});

test("paper is light, and the page is as before afterwards", () => {
  const back = inLight();
  expect(document.documentElement.dataset["theme"]).toBe("light");
  back();
  expect(document.documentElement.hasAttribute("data-theme")).toBe(false);
});
