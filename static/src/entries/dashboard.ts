/** Waits for figures that are being computed (`[data-figures-url]`). */

import "../styles/dashboard.css";
import { watchFigures } from "../figures/waiting";

const section = document.querySelector<HTMLElement>("[data-figures-url]");
if (section) watchFigures(section, { reload: () => window.location.reload(), nowMs: () => Date.now() });
