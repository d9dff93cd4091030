/** Compressed frames through Cornerstone's decoding workers. Loaded when the first compressed picture is met. */

import { getWebWorkerManager } from "@cornerstonejs/core";
import { init, wadouri } from "@cornerstonejs/dicom-image-loader";
import type { EncodedFrame } from "./decode";
import type { Pixels } from "./voxels";

interface DecodedFrame {
  readonly pixelData: Pixels;
}

interface WorkerManager {
  executeTask(worker: string, task: string, args: object): Promise<DecodedFrame>;
}

let isReady = false;

/** @throws whatever the codec says of a broken stream. */
export async function decodeFrame({ header, syntax, dataSet, frame }: EncodedFrame): Promise<Pixels> {
  if (!isReady) {
    init({ maxWebWorkers: Math.min(Math.max(navigator.hardwareConcurrency || 2, 1), 6) });
    isReady = true;
  }
  const isEncapsulated = dataSet.elements["x7fe00010"]?.encapsulatedPixelData === true;
  const pixelData: Uint8Array = isEncapsulated
    ? wadouri.getEncapsulatedImageFrame(dataSet, frame)
    : wadouri.getUncompressedImageFrame(dataSet, frame);
  const manager = getWebWorkerManager() as WorkerManager;
  const decoded = await manager.executeTask("dicomImageLoader", "decodeTask", {
    imageFrame: { ...header, imageId: "", pixelDataLength: header.rows * header.columns },
    transferSyntax: syntax,
    pixelData,
    options: { preScale: { enabled: false } },
    decodeConfig: {},
  });
  return decoded.pixelData;
}
