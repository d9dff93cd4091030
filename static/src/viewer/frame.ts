/** Where the points of a picture lie on a pane. */

import { add, dot, scale, subtract } from "./geometry";
import type { Placement } from "./plane";
import type { Vec3 } from "./types";

/** What is looked at: the middle in millimetres along the picture's right and down, and the size of a CSS pixel. */
export interface Look {
  readonly across_mm: number;
  readonly down_mm: number;
  readonly mmPerPixel: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Spot = readonly [x: number, y: number];

/** The whole picture, as large as it goes. */
export function fitted(placement: Placement, size: Size): Look {
  const { columns, rows, columnStep_mm, rowStep_mm } = placement;
  return {
    across_mm: ((columns - 1) / 2) * columnStep_mm,
    down_mm: ((rows - 1) / 2) * rowStep_mm,
    mmPerPixel: Math.max((columns * columnStep_mm) / (size.width || 1), (rows * rowStep_mm) / (size.height || 1)),
  };
}

export function zoomed(look: Look, by: number, about: Spot, size: Size): Look {
  const mmPerPixel = Math.min(100, Math.max(0.005, look.mmPerPixel / by));
  const moved = look.mmPerPixel - mmPerPixel;
  return {
    across_mm: look.across_mm + (about[0] - size.width / 2) * moved,
    down_mm: look.down_mm + (about[1] - size.height / 2) * moved,
    mmPerPixel,
  };
}

/** One picture on one pane. */
export class Frame {
  readonly placement: Placement;
  readonly look: Look;
  readonly size: Size;

  constructor(placement: Placement, look: Look, size: Size) {
    this.placement = placement;
    this.look = look;
    this.size = size;
  }

  get centre(): Vec3 {
    return this.toWorld([this.size.width / 2, this.size.height / 2]);
  }

  toWorld([x, y]: Spot): Vec3 {
    const { placement, look, size } = this;
    const across = look.across_mm + (x - size.width / 2) * look.mmPerPixel;
    const down = look.down_mm + (y - size.height / 2) * look.mmPerPixel;
    return add(add(placement.origin, scale(placement.right, across)), scale(placement.down, down));
  }

  /** Of the point's foot on the picture. */
  toScreen(point: Vec3): Spot {
    const { placement, look, size } = this;
    const offset = subtract(point, placement.origin);
    return [
      (dot(offset, placement.right) - look.across_mm) / look.mmPerPixel + size.width / 2,
      (dot(offset, placement.down) - look.down_mm) / look.mmPerPixel + size.height / 2,
    ];
  }

  /** Left, top, width and height of the picture on the pane, to the outer edges of its pixels. */
  get box(): readonly [left: number, top: number, width: number, height: number] {
    const { columns, rows, columnStep_mm, rowStep_mm, origin } = this.placement;
    const { mmPerPixel } = this.look;
    const [x, y] = this.toScreen(origin);
    const [pixelWidth, pixelHeight] = [columnStep_mm / mmPerPixel, rowStep_mm / mmPerPixel];
    return [x - pixelWidth / 2, y - pixelHeight / 2, columns * pixelWidth, rows * pixelHeight];
  }

  shows([x, y]: Spot): boolean {
    return x >= 0 && y >= 0 && x <= this.size.width && y <= this.size.height;
  }
}
