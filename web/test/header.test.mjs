/** Sample rates in the headers of files; see `web/src/header.ts`. */

import assert from "node:assert/strict";
import test from "node:test";
import { headerRate } from "../src/header";
import { Recording } from "../src/recording";

const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));
const big = (value, bytes = 4) =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * (bytes - 1 - i))) % 256);
const little = (value, bytes = 4) => big(value, bytes).reverse();
const zeros = (count) => new Array(count).fill(0);
const rateOf = (...parts) => headerRate(new Blob([Uint8Array.from(parts.flat())]));

const chunk = (name, content) => [...letters(name), ...little(content.length), ...content];
const format = (rate) =>
  chunk("fmt ", [...little(1, 2), ...little(2, 2), ...little(rate), ...zeros(8)]);
const wave = (...chunks) => [letters("RIFF"), little(0), letters("WAVE"), ...chunks];

test("WAV, whose format may stand behind other chunks", async () => {
  assert.equal(await rateOf(...wave(format(96_000))), 96_000);
  const padded = [...chunk("JUNK", zeros(101)), 0];
  assert.equal(await rateOf(...wave(padded, format(11_025))), 11_025);
  assert.equal(await rateOf(...wave(chunk("data", zeros(40)))), null);
});

test("a recording of the page is a WAV file", async () => {
  const recording = new Recording(48_000);
  recording.push(Float32Array.of(0, 0.5, -1, 1));
  const file = recording.file();
  assert.equal(await headerRate(file), 48_000);
  const samples = new Int16Array(await file.slice(44).arrayBuffer());
  assert.deepEqual([...samples], [0, 16_384, -32_768, 32_767]);
});

const info = (rate) => [...zeros(10), ...big(rate * 2 ** 12), ...zeros(20)];
const page = (packet) => [letters("OggS"), zeros(22), 1, packet.length, packet];

test("FLAC, and Ogg with FLAC, Vorbis or Opus", async () => {
  assert.equal(await rateOf(letters("fLaC"), zeros(4), info(44_100)), 44_100);
  const flac = [...letters("\x7fFLAC"), ...zeros(4), ...letters("fLaC"), ...zeros(4)];
  assert.equal(await rateOf(...page([...flac, ...info(192_000)])), 192_000);
  const vorbis = [...letters("\x01vorbis"), ...zeros(5), ...little(22_050), ...zeros(16)];
  assert.equal(await rateOf(...page(vorbis)), 22_050);
  assert.equal(await rateOf(...page([...letters("OpusHead"), ...zeros(11)])), 48_000);
  assert.equal(await rateOf(...page(letters("Speex   "))), null);
});

/** Two frames of MPEG-1 layer III, 128 kbit/s, 48 kHz. */
const frames = () => {
  const frame = [0xff, 0xfb, 0x94, 0x00, ...zeros(380)];
  return [...frame, ...frame];
};

test("MP3, behind a tag and what looks like a frame", async () => {
  assert.equal(await rateOf(frames()), 48_000);
  const tag = [...letters("ID3"), 4, 0, 0, 0, 0, 2, 44, ...zeros(300)];
  assert.equal(await rateOf(tag, frames()), 48_000);
  assert.equal(await rateOf([0xff, 0xfb, 0x90, 0x00, ...zeros(50)], frames()), 48_000);
  // Of MPEG-2, half the rate, and half as many samples a frame: 64 kbit/s, 22.05 kHz.
  const lower = [0xff, 0xf3, 0x80, 0x00, ...zeros(204)];
  assert.equal(await rateOf(lower, lower), 22_050);
});

test("AAC with ADTS headers", async () => {
  const frame = [0xff, 0xf1, 0x50, 0x80, 0x01, 0x9f, 0xfc, ...zeros(5)];
  assert.equal(await rateOf(frame, frame), 44_100);
});

const box = (name, ...content) => {
  const inside = content.flat();
  return [...big(8 + inside.length), ...letters(name), ...inside];
};
const entry = (rate) => [big(36), letters("mp4a"), zeros(24), big(rate, 2), zeros(2)].flat();
const track = (handler, clock, rate) =>
  box(
    "trak",
    box(
      "mdia",
      box("mdhd", zeros(12), big(clock), zeros(8)),
      box("hdlr", zeros(8), letters(handler), zeros(12)),
      box("minf", box("stbl", box("stsd", zeros(4), big(1), entry(rate)))),
    ),
  );

test("MP4, with the index at the end and pictures beside the sound", async () => {
  const start = [box("ftyp", letters("M4A "), zeros(4)), box("mdat", zeros(70_000))];
  const index = (...tracks) => box("moov", box("mvhd", zeros(100)), ...tracks);
  assert.equal(await rateOf(...start, index(track("soun", 44_100, 44_100))), 44_100);
  const both = index(track("vide", 90_000, 0), track("soun", 48_000, 48_000));
  assert.equal(await rateOf(...start, both), 48_000);
  // Too high for the sixteen bits of an entry.
  assert.equal(await rateOf(...start, index(track("soun", 96_000, 0))), 96_000);
  assert.equal(await rateOf(...start, index(track("vide", 90_000, 0))), null);
});

test("what is no sound has no rate, however short it is", async () => {
  for (const text of ["", "R", "RIFF", "RIFF....WAVE", "OggS", "fLaC", "ID3", "no sound at all"]) {
    assert.equal(await rateOf(letters(text)), null, text);
  }
  assert.equal(await rateOf(zeros(8), letters("ftyp")), null);
});
