/** Progress of releases that are being frozen: in the list, and on the page of one. */

import { watchRelease } from "../releases/watching";

const waiting = document.querySelector<HTMLElement>("[data-release-url]");
if (waiting) watchRelease(waiting, () => window.location.reload());
