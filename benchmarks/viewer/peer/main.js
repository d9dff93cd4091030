// The least that fetches and decodes a series: every file through dicom-image-loader, the first one drawn.
import { cache, imageLoader, init as initCore } from "@cornerstonejs/core";
import { init as initLoader } from "@cornerstonejs/dicom-image-loader";

initCore();
initLoader({ maxWebWorkers: Math.max(1, Math.min(navigator.hardwareConcurrency - 1, 7)) });
cache.setMaxCacheSize(2 * 2 ** 30);
const names = await (await fetch("files.json")).json();
const marks = { first: 0, loaded: 0, images: 0 };
window.marks = marks;

function draw(image) {
  const canvas = document.getElementById("picture");
  const pixels = image.getPixelData();
  const picture = new ImageData(image.columns, image.rows);
  for (let index = 0; index < pixels.length; index += 1) {
    const grey = ((pixels[index] * image.slope + image.intercept + 160) / 400) * 255;
    picture.data.set([grey, grey, grey, 255], index * 4);
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

const fetched = names.map((name) => imageLoader.loadAndCacheImage(`wadouri:${location.origin}/files/${name}`));
void fetched[0].then((image) => {
  draw(image);
  requestAnimationFrame(() => setTimeout(() => (marks.first = performance.now())));
});
marks.images = (await Promise.all(fetched)).length;
marks.loaded = performance.now();
document.body.dataset.state = "loaded";
