/** Draws a spectrogram, the timeline below it, what decided, and an axis of time. */

import { genreColor } from "./colors";
import type { WindowAnswer } from "./protocol";
import type { Spectrogram } from "./spectrogram";
import { marks, type Piece } from "./timeline";
import { clock } from "./words";

/** What is drawn, from one second to another. */
export interface Drawn {
  startS: number;
  endS: number;
  genres: readonly string[];
  spectrogram: Spectrogram;
  timeline: readonly Piece[];
  decisive: readonly WindowAnswer[];
}

// Heights in pixels of CSS.
const WIDE = 168;
const NARROW = 132;
const GAP = 8;
const STRIP = 56;
const MARKS = 11;
const AXIS = 22;
const PIXELS_PER_MARK = 72;

/**
 * Draw into a canvas that is as wide as its box, in the colours of the box.
 *
 * Returns the height of spectrogram and timeline in pixels of CSS.
 */
export function drawFigure(box: HTMLElement, canvas: HTMLCanvasElement, drawn: Drawn): number {
  const width = box.clientWidth;
  const picture = width > 480 ? WIDE : NARROW;
  const strip = picture + GAP;
  const height = strip + STRIP + MARKS + AXIS;
  const scale = Math.min(devicePixelRatio, 3);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  if (!pen || width === 0) {
    return strip + STRIP;
  }
  pen.scale(scale, scale);
  const styles = getComputedStyle(box);
  const color = (name: string) => styles.getPropertyValue(`--try-${name}`).trim();
  const { startS, endS } = drawn;
  // At whole pixels of the screen, pieces leave no gaps.
  const x = (timeS: number) =>
    Math.round((width * scale * (timeS - startS)) / Math.max(endS - startS, 1e-9)) / scale;

  framed(pen, 0, width, picture, color("empty"), () => {
    const image = drawn.spectrogram.image(startS, endS, canvas.width);
    if (image) {
      const own = new OffscreenCanvas(image.width, image.height);
      own.getContext("2d")?.putImageData(image, 0, 0);
      pen.drawImage(own, 0, 0, width, picture);
    }
  });
  framed(pen, strip, width, STRIP, color("empty"), () => {
    for (const { fromS, toS, window } of drawn.timeline) {
      // One above the other, the first genre at the top.
      let y = strip;
      window.probabilities?.forEach((share, genre) => {
        pen.fillStyle = genreColor(drawn.genres[genre]);
        pen.fillRect(x(fromS), y, x(toS) - x(fromS), STRIP * share);
        y += STRIP * share;
      });
    }
  });
  pen.fillStyle = color("accent");
  for (const window of drawn.decisive) {
    const [from, to] = [x(window.startS), x(Math.min(window.endS, endS))];
    pen.beginPath();
    pen.roundRect(from + 1, strip + STRIP + 4, Math.max(to - from - 2, 2), 4, 2);
    pen.fill();
  }
  pen.fillStyle = color("muted");
  pen.font = `12px ${styles.fontFamily}`;
  pen.textBaseline = "bottom";
  for (const mark of marks(startS, endS, Math.floor(width / PIXELS_PER_MARK))) {
    const text = clock(mark);
    const length = pen.measureText(text).width;
    pen.fillText(text, Math.max(0, Math.min(x(mark) - length / 2, width - length)), height);
  }
  return strip + STRIP;
}

/** Draw inside of a box with round corners and this background. */
function framed(
  pen: CanvasRenderingContext2D,
  top: number,
  width: number,
  height: number,
  background: string,
  draw: () => void,
): void {
  pen.save();
  pen.beginPath();
  pen.roundRect(0, top, width, height, 6);
  pen.clip();
  pen.fillStyle = background;
  pen.fillRect(0, top, width, height);
  draw();
  pen.restore();
}
