/** When which window speaks: windows overlap, pieces of the timeline do not. */

import type { WindowAnswer } from "./protocol";

/** A piece of the timeline and the window whose middle is nearest. */
export interface Piece {
  fromS: number;
  toS: number;
  window: WindowAnswer;
}

/** Divide the time up to `durationS` among windows in order of time. */
export function pieces(windows: readonly WindowAnswer[], durationS: number): Piece[] {
  const middles = windows.map((window) => (window.startS + window.endS) / 2);
  return windows.map((window, i) => {
    const [before, own, after] = [middles[i - 1], middles[i] ?? 0, middles[i + 1]];
    const fromS = before === undefined ? 0 : (before + own) / 2;
    const toS = after === undefined ? durationS : (own + after) / 2;
    return { fromS, toS: Math.min(toS, durationS), window };
  });
}

/** Return the piece at a time; undefined if there is none. */
export function pieceAt(all: readonly Piece[], timeS: number): Piece | undefined {
  return all.find((piece) => timeS < piece.toS) ?? all.at(-1);
}

/** Return times for the marks of an axis: at most `most`, at round numbers of seconds. */
export function marks(startS: number, endS: number, most: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
  const step = steps.find((seconds) => (endS - startS) / seconds <= most) ?? 600;
  const first = Math.ceil(startS / step) * step;
  const count = Math.floor((endS - first) / step + 1e-9) + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => first + i * step);
}
