/**
 * Dark unless the person chose light. The choice is a cookie, so that the server writes `data-theme` into the page
 * and a light page never flashes dark first.
 */

export type Theme = "dark" | "light";

export function currentTheme(): Theme {
  return document.documentElement.dataset["theme"] === "light" ? "light" : "dark";
}

export function setTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

export function bindThemeToggle(button: HTMLElement): void {
  const show = (): void => {
    button.textContent = currentTheme() === "dark" ? "Light" : "Dark";
  };
  button.addEventListener("click", () => {
    setTheme(currentTheme() === "dark" ? "light" : "dark");
    show();
  });
  show();
}
