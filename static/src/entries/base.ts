import "../styles/base.css";
import { localiseTimes } from "../lib/locale";
import { bindThemeToggle } from "../lib/theme";

const toggle = document.querySelector<HTMLElement>("[data-theme-toggle]");
if (toggle) bindThemeToggle(toggle);

// Menus are <details>: a click elsewhere, Esc, and leaving with Tab close them.
const menus = document.querySelectorAll<HTMLDetailsElement>("details.menu");
document.addEventListener("click", (event) => {
  for (const menu of menus) if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
});
for (const menu of menus) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) menu.open = false;
  });
}

localiseTimes(document);
