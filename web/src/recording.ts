/** What the microphone heard, as a WAV file: it can be played, and asked about again. */

/** Samples with 16 bits, which need a fifth of the memory that a decoded file needs. */
export class Recording {
  private readonly blocks: Int16Array<ArrayBuffer>[] = [];
  private length = 0;

  constructor(private readonly rate: number) {}

  /** Duration in seconds. */
  get durationS(): number {
    return this.length / this.rate;
  }

  /** Take the next samples, full scale 1. */
  push(samples: Float32Array): void {
    const block = new Int16Array(samples.length);
    samples.forEach((sample, i) => {
      block[i] = Math.max(-32_768, Math.min(32_767, Math.round(32_768 * sample)));
    });
    this.blocks.push(block);
    this.length += block.length;
  }

  /** Return all samples as a WAV file of one channel. */
  file(): File {
    const head = new DataView(new ArrayBuffer(44));
    const bytes = 2 * this.length;
    writeLetters(head, 0, "RIFF");
    head.setUint32(4, 36 + bytes, true);
    writeLetters(head, 8, "WAVEfmt ");
    head.setUint32(16, 16, true);
    head.setUint16(20, 1, true);
    head.setUint16(22, 1, true);
    head.setUint32(24, this.rate, true);
    head.setUint32(28, 2 * this.rate, true);
    head.setUint16(32, 2, true);
    head.setUint16(34, 16, true);
    writeLetters(head, 36, "data");
    head.setUint32(40, bytes, true);
    // All platforms with browsers are little-endian, as WAV is.
    return new File([head, ...this.blocks], "microphone", { type: "audio/wav" });
  }
}

function writeLetters(bytes: DataView, start: number, text: string): void {
  [...text].forEach((letter, i) => bytes.setUint8(start + i, letter.charCodeAt(0)));
}
