/** A part of the page as a file that opens anywhere, without a network and without scripts. */

const GONE = "script, button, a.button, form, input, select, label, .actions, .plot-tools, [data-not-saved]";
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** The markup of a page that holds `part` and what the style sheets say, light. */
export function pageOf(part: HTMLElement): string {
  const page = document.implementation.createHTMLDocument();
  page.documentElement.lang = document.documentElement.lang;
  page.documentElement.setAttribute("data-theme", "light");
  const charset = page.createElement("meta");
  charset.setAttribute("charset", "utf-8");
  const policy = page.createElement("meta");
  policy.setAttribute("http-equiv", "Content-Security-Policy");
  policy.setAttribute("content", POLICY);
  const title = page.createElement("title");
  title.textContent = part.querySelector("h2")?.textContent?.trim() ?? document.title;
  page.head.replaceChildren(charset, policy, title);
  const main = page.createElement("main");
  main.append(page.importNode(still(part), true));
  page.body.append(main);
  // As text: the policy of this page would refuse a style element, even one of another document.
  const style = `<style>\n${rulesOf(document.styleSheets).replaceAll("</", "<\\/")}\n</style></head>`;
  return `<!doctype html>\n${page.documentElement.outerHTML.replace("</head>", () => style)}\n`;
}

/** A copy of `part` in which nothing leads anywhere. */
function still(part: HTMLElement): HTMLElement {
  const copy = part.cloneNode(true) as HTMLElement;
  for (const each of copy.querySelectorAll(GONE)) each.remove();
  for (const link of copy.querySelectorAll("a")) {
    link.removeAttribute("href");
    link.removeAttributeNS("http://www.w3.org/1999/xlink", "href");
  }
  return copy;
}

/** What the style sheets say, but for rules that would fetch something. */
function rulesOf(sheets: StyleSheetList): string {
  const rules = [...sheets].flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText));
  return rules.filter((rule) => !/url\(|@import/.test(rule)).join("\n");
}

/** Makes the page light, for paper. Returns what makes it as it was. */
export function inLight(): () => void {
  const root = document.documentElement;
  const theme = root.getAttribute("data-theme");
  root.setAttribute("data-theme", "light");
  return () => {
    if (theme === null) root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
  };
}
