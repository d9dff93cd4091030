/** Which series and picture is meant: by a citation in a report, by a target, or at first. */

import type { CaseImages, SeriesInfo } from "./types";

export interface PicturePlace {
  readonly series: SeriesInfo;
  readonly picture: number;
}

/** Masks first, then volumes, then the longest. */
export function firstSeries(images: CaseImages): SeriesInfo | null {
  const rank = (series: SeriesInfo): number =>
    (series.masks.length > 0 ? 1e7 : 0) + (series.kind === "volume" ? 1e6 : 0) + series.images.length;
  return images.series.reduce<SeriesInfo | null>((best, each) => (best && rank(best) >= rank(each) ? best : each), null);
}

/** Position of InstanceNumber `number`; files without numbers are counted from 1. */
export function pictureNumbered(series: SeriesInfo, number: number): number {
  const found = series.images.findIndex((image) => image.number === number);
  if (found >= 0 || series.images.some((image) => image.number !== null)) return found;
  return number >= 1 && number <= series.images.length ? number - 1 : -1;
}

/** What a report means by "series 3, image 45", or the sentence that says why there is no such picture. */
export function findPicture(
  images: CaseImages,
  place: { readonly series: number | null; readonly image: number },
  current: SeriesInfo | null,
): PicturePlace | string {
  const numbered = images.series.filter((each) => each.number === place.series);
  if (place.series !== null && numbered.length === 0) return `This study has no series ${place.series}.`;
  const candidates = place.series === null ? [...(current ? [current] : []), ...images.series] : numbered;
  for (const series of candidates) {
    const picture = pictureNumbered(series, place.image);
    if (picture >= 0) return { series, picture };
  }
  return place.series === null ? `This study has no image ${place.image}.` : `Series ${place.series} has no image ${place.image}.`;
}

/** "Series 3, part 1 of 2". */
export function seriesName(series: SeriesInfo): string {
  const number = series.number === null ? "Series" : `Series ${series.number}`;
  return series.n_parts > 1 ? `${number}, part ${series.part} of ${series.n_parts}` : number;
}

export function countText(series: SeriesInfo): string {
  const count = series.images.length;
  return `${count.toLocaleString()} ${count === 1 ? "image" : "images"}`;
}

/** "Im 45/300"; with a number of its own "Im 267 (1/20)". */
export function pictureText(series: SeriesInfo, picture: number): string {
  const count = series.images.length;
  const number = series.images[picture]?.number ?? picture + 1;
  return number <= count ? `Im ${number}/${count}` : `Im ${number} (${picture + 1}/${count})`;
}
