/** Masks over a picture: filled pixel by pixel, outlined along the edges of pixels. */

import type { Frame } from "./frame";
import { outlines, rgb } from "./labelmap";
import type { LabelCut } from "./labelmap";
import type { MaskClass } from "./types";

export interface MaskStyle {
  readonly opacity: number;
  readonly classes: readonly MaskClass[];
  /** Values whose outline stands out; the others step back while there are any. */
  readonly emphasised: ReadonlySet<number>;
}

interface Prepared {
  readonly cut: LabelCut;
  readonly edges: ReadonlyMap<number, Path2D>;
  readonly fill: HTMLCanvasElement;
  readonly key: string;
}

function paths(cut: LabelCut): Map<number, Path2D> {
  const prepared = new Map<number, Path2D>();
  for (const [value, runs] of outlines(cut)) {
    const path = new Path2D();
    for (let at = 0; at < runs.length; at += 4) {
      path.moveTo(runs[at] ?? 0, runs[at + 1] ?? 0);
      path.lineTo(runs[at + 2] ?? 0, runs[at + 3] ?? 0);
    }
    prepared.set(value, path);
  }
  return prepared;
}

function fillOf({ labels, columns, rows }: LabelCut, style: MaskStyle): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return canvas;
  const data = context.createImageData(columns, rows);
  const words = new Uint32Array(data.data.buffer);
  const colours = new Map(style.classes.map(({ value, color }) => [value, wordFor(color, alphaOf(value, style))]));
  for (let position = 0; position < labels.length; position += 1) {
    const value = labels[position] ?? 0;
    if (value !== 0) words[position] = colours.get(value) ?? 0;
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

function alphaOf(value: number, { opacity, emphasised }: MaskStyle): number {
  return emphasised.size > 0 && !emphasised.has(value) ? opacity * 0.4 : opacity;
}

function wordFor(color: string, alpha: number): number {
  const bytes = new Uint8Array([...rgb(color), Math.round(alpha * 255)]);
  return new Uint32Array(bytes.buffer)[0] ?? 0;
}

/** The drawing of one pane; what depends on the picture alone is kept until the picture changes. */
export class MaskLayer {
  readonly canvas = document.createElement("canvas");
  private prepared: Prepared | null = null;
  private drawn = "";

  clear(): void {
    this.prepared = null;
    this.drawn = "";
    this.canvas.getContext("2d")?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** `key` names mask, plane and picture; `cutOf` is asked only for another one. */
  draw(key: string, cutOf: () => LabelCut, frame: Frame, style: MaskStyle): readonly number[] {
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return [];
    const ratio = this.fit(frame);
    const prepared = this.prepare(key, cutOf, style);
    const [left, top, width, height] = frame.box;
    const drawn = [prepared.key, left, top, width, height, this.canvas.width, this.canvas.height].join();
    if (drawn === this.drawn) return [...prepared.edges.keys()];
    this.drawn = drawn;
    const { columns, rows } = prepared.cut;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, frame.size.width, frame.size.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(prepared.fill, left, top, width, height);
    const [across, down] = [width / columns, height / rows];
    context.setTransform(ratio * across, 0, 0, ratio * down, ratio * left, ratio * top);
    this.stroke(context, prepared, style, Math.min(across, down));
    return [...prepared.edges.keys()];
  }

  private stroke(context: CanvasRenderingContext2D, { edges }: Prepared, style: MaskStyle, perPixel: number): void {
    const isAny = style.emphasised.size > 0;
    for (const { value, color } of style.classes) {
      const path = edges.get(value);
      if (!path) continue;
      const isEmphasised = style.emphasised.has(value);
      context.globalAlpha = isAny && !isEmphasised ? 0.35 : 0.9;
      context.lineWidth = (isEmphasised ? 2.5 : 1) / perPixel;
      context.strokeStyle = color;
      context.stroke(path);
    }
    context.globalAlpha = 1;
  }

  private prepare(key: string, cutOf: () => LabelCut, style: MaskStyle): Prepared {
    const known = this.prepared;
    const styled = `${key} ${style.opacity} ${[...style.emphasised].join()}`;
    if (known?.key === styled) return known;
    const isSame = known !== null && known.key.startsWith(`${key} `);
    const cut = isSame ? known.cut : cutOf();
    const edges = isSame ? known.edges : paths(cut);
    this.prepared = { cut, edges, fill: fillOf(cut, style), key: styled };
    return this.prepared;
  }

  private fit({ size }: Frame): number {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      [this.canvas.width, this.canvas.height] = [width, height];
    }
    return ratio;
  }
}
