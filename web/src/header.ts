/** The sample rate that a sound file states in its own header. */

const FIRST_BYTES = 65_536;
// The largest index of an MP4 file that is read.
const LARGEST_INDEX = 1 << 24;

/**
 * Return the sample rate of a file in Hz; null if its header is not one that is known here.
 *
 * Known are WAV, FLAC, Ogg with Vorbis, Opus or FLAC, MP3, AAC with ADTS headers, and MP4.
 */
export async function headerRate(file: Blob): Promise<number | null> {
  const head = await view(file, 0, FIRST_BYTES);
  const rate =
    letters(head, 8, 4) === "WAVE" ? await waveRate(file) :
    letters(head, 0, 4) === "fLaC" ? flacRate(head, 8) :
    letters(head, 0, 4) === "OggS" ? oggRate(head) :
    letters(head, 4, 4) === "ftyp" ? await mp4Rate(file) :
    mpegRate(letters(head, 0, 3) === "ID3" ? await view(file, tagLength(head), FIRST_BYTES) : head);
  return rate !== null && rate > 0 ? rate : null;
}

async function view(file: Blob, start: number, length: number): Promise<DataView> {
  return new DataView(await file.slice(start, start + length).arrayBuffer());
}

function letters(bytes: DataView, start: number, length: number): string {
  let text = "";
  for (let i = start; i < Math.min(start + length, bytes.byteLength); i++) {
    text += String.fromCharCode(bytes.getUint8(i));
  }
  return text;
}

/** Chunks of RIFF: a name, a length, contents of even length. */
async function waveRate(file: Blob): Promise<number | null> {
  for (let start = 12; start + 16 <= file.size; ) {
    const chunk = await view(file, start, 16);
    if (letters(chunk, 0, 4) === "fmt ") {
      return chunk.getUint32(12, true);
    }
    const length = chunk.getUint32(4, true);
    start += 8 + length + (length % 2);
  }
  return null;
}

/** The rate has 20 bits, ten bytes after the beginning of STREAMINFO. */
function flacRate(bytes: DataView, start: number): number | null {
  return bytes.byteLength < start + 14 ? null : bytes.getUint32(start + 10) >>> 12;
}

function oggRate(head: DataView): number | null {
  // The first page holds one packet, behind a table of segments.
  const start = head.byteLength < 28 ? Infinity : 27 + head.getUint8(26);
  if (letters(head, start, 7) === "\x01vorbis" && head.byteLength >= start + 16) {
    return head.getUint32(start + 12, true);
  }
  if (letters(head, start, 8) === "OpusHead") {
    return 48_000;
  }
  // The mapping of FLAC: its name, version and count, "fLaC", the header of the block.
  return letters(head, start, 5) === "\x7fFLAC" ? flacRate(head, start + 17) : null;
}

/** Length of an ID3v2 tag, whose four bytes have seven bits each. */
function tagLength(head: DataView): number {
  if (head.byteLength < 10) {
    return 0;
  }
  const footer = head.getUint8(5) & 16 ? 10 : 0;
  return [6, 7, 8, 9].reduce((sum, i) => sum * 128 + (head.getUint8(i) & 127), 0) + 10 + footer;
}

const MPEG_RATES = [44_100, 48_000, 32_000];
const MPEG1_KBIT_S = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const MPEG2_KBIT_S = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const AAC_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
];

/** The rate of the first frame that is followed by one of the same kind. */
function mpegRate(bytes: DataView): number | null {
  for (let start = 0; start + 7 <= bytes.byteLength; start++) {
    const frame = mpegFrame(bytes, start);
    const next = frame && mpegFrame(bytes, start + frame.length);
    if (frame && next && next.rate === frame.rate) {
      return frame.rate;
    }
  }
  return null;
}

/** A frame of MP3, or of AAC with an ADTS header. */
function mpegFrame(bytes: DataView, start: number): { rate: number; length: number } | null {
  if (start + 7 > bytes.byteLength || bytes.getUint16(start) < 0xffe0) {
    return null;
  }
  const [kind, sizes] = [bytes.getUint8(start + 1), bytes.getUint8(start + 2)];
  if ((kind & 0xf6) === 0xf0) {
    const rate = AAC_RATES[(sizes >> 2) & 15];
    const length = (bytes.getUint32(start + 3) >>> 13) & 0x1fff;
    return rate && length > 7 ? { rate, length } : null;
  }
  const version = (kind >> 3) & 3;
  const layer = (kind >> 1) & 3;
  const base = MPEG_RATES[(sizes >> 2) & 3];
  const kbit = (version === 3 ? MPEG1_KBIT_S : MPEG2_KBIT_S)[sizes >> 4];
  if (version === 1 || layer !== 1 || !base || !kbit) {
    return null;
  }
  const rate = version === 3 ? base : version === 2 ? base / 2 : base / 4;
  const samples = version === 3 ? 144 : 72;
  return { rate, length: Math.floor((samples * 1000 * kbit) / rate) + ((sizes >> 1) & 1) };
}

/** Boxes of MP4: a length, a name, contents. */
async function mp4Rate(file: Blob): Promise<number | null> {
  for (let start = 0; start + 8 <= file.size; ) {
    const head = await view(file, start, 16);
    const length = boxLength(head, 0, file.size - start);
    if (letters(head, 4, 4) === "moov" && length <= LARGEST_INDEX) {
      return soundTrackRate(await view(file, start, length));
    }
    start += length;
  }
  return null;
}

function boxLength(bytes: DataView, start: number, rest: number): number {
  const short = bytes.getUint32(start);
  const long = short === 1 && bytes.byteLength >= start + 16;
  const length = long ? Number(bytes.getBigUint64(start + 8)) : short === 0 ? rest : short;
  return Math.max(length, 8);
}

const BOXES = new Set(["moov", "trak", "mdia", "minf", "stbl"]);

/** The rate of the track whose handler is "soun": of its samples, or else of its clock. */
function soundTrackRate(index: DataView): number | null {
  let [isSound, clockRate] = [false, 0];
  const walk = (start: number, end: number): number | null => {
    while (start + 8 <= end) {
      const [name, length] = [letters(index, start + 4, 4), boxLength(index, start, end - start)];
      const stop = Math.min(start + length, end);
      if (BOXES.has(name)) {
        const found = walk(start + 8, stop);
        if (found !== null) {
          return found;
        }
      } else if (name === "mdhd" && start + 32 <= end) {
        clockRate = index.getUint32(start + (index.getUint8(start + 8) === 1 ? 28 : 20));
      } else if (name === "hdlr") {
        isSound = letters(index, start + 16, 4) === "soun";
      } else if (name === "stsd" && isSound && start + 52 <= end) {
        // A whole number and a fraction of 16 bits each; rates that need more have none.
        return index.getUint16(start + 48) || clockRate;
      }
      start = stop;
    }
    return null;
  };
  return walk(0, index.byteLength);
}
