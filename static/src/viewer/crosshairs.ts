/** Lines where the other planes cut a picture. */

import type { Frame } from "./frame";
import { svg } from "./icons";
import type { Vec3 } from "./types";

/** Left open round the point, which is what the reader looks at. */
const GAP_PX = 12;

/** One element a line, so that a line that stays is not painted again when the other moves. */
export function crosshairLines(frame: Frame, point: Vec3, isStrong: boolean): readonly SVGElement[] {
  const [x, y] = frame.toScreen(point);
  const { width, height } = frame.size;
  const paths = [`M0 ${y}H${x - GAP_PX}M${x + GAP_PX} ${y}H${width}`, `M${x} 0V${y - GAP_PX}M${x} ${y + GAP_PX}V${height}`];
  return paths.map((d) => svg("path", { class: isStrong ? "crosshair strong" : "crosshair", d }));
}
