/** Colours of genres and of levels. */

import genres from "./genre_colors.json";

const KNOWN: Record<string, string> = genres;

/** Return the colour of a genre, as in all figures of the book. */
export function genreColor(genre: string): string {
  return KNOWN[genre] ?? "#808080";
}

// Every sixteenth of Matplotlib's "magma", which is even in lightness.
const STOPS = [
  0x000004, 0x0a0822, 0x1d1147, 0x36106b, 0x51127c, 0x6a1c81, 0x832681, 0x9c2e7f, 0xb73779,
  0xd0416f, 0xe75263, 0xf56b5c, 0xfc8961, 0xfea772, 0xfec488, 0xfde2a3, 0xfcfdbf,
];

/** Colours of levels from 0 to 255, as pixels of an image in the order of bytes of all browsers. */
export const LEVEL_COLORS: Uint32Array = levelColors();

function levelColors(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, level) => {
    const place = (level / 255) * (STOPS.length - 1);
    const below = Math.min(Math.floor(place), STOPS.length - 2);
    // Red is the lowest byte of a pixel, and the highest of a stop.
    const channels = [16, 8, 0].map((shift) => {
      const [low, high] = [STOPS[below], STOPS[below + 1]].map((stop) => (stop >> shift) & 255);
      return Math.round(low + (place - below) * (high - low));
    });
    return channels[0] + channels[1] * 2 ** 8 + channels[2] * 2 ** 16 + 255 * 2 ** 24;
  });
}
