// Pictures of pages for the documentation: PNG with a palette, a third of the size and the same to the eye.

import { writeFile } from 'node:fs/promises';
import UPNG from 'upng-js';

/** So many colours a picture of the console needs at most. */
const colours = 96;

/** Writes what the page shows. */
export async function takePicture(page, path) {
  const { width, height, ...image } = UPNG.decode(await page.screenshot({ caret: 'hide' }));
  const [pixels] = UPNG.toRGBA8({ width, height, ...image });
  await writeFile(path, Buffer.from(UPNG.encode([pixels], width, height, colours)));
}
