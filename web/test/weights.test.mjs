import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { weightsBytes, weightsOf } from "../src/weights";

// Largest, smallest normal and smallest subnormal numbers of half precision, zero, and -2.
const HALVES = [0x7bff, 0x0400, 0x0001, 0x0000, 0xc000];
const VALUES = [65504, 2 ** -14, 2 ** -24, 0, -2];

function file() {
  const bytes = Buffer.alloc(4 + 2 * HALVES.length);
  bytes.writeFloatLE(0.25, 0);
  HALVES.forEach((half, i) => bytes.writeUInt16LE(half, 4 + 2 * i));
  return {
    tensors: {
      one: { shape: [], type: "float32", offset: 0 },
      many: { shape: [HALVES.length], type: "float16", offset: 4 },
    },
    sha256: createHash("sha256").update(bytes).digest("hex"),
    data: bytes.toString("base64"),
  };
}

test("tensors have single precision", async () => {
  const { tensors, ...rest } = file();
  const weights = weightsOf(tensors, await weightsBytes({ tensors, ...rest }));
  assert.deepEqual([...weights("one").values], [0.25]);
  assert.deepEqual([...weights("many").values], VALUES);
});

test("damaged weights are refused in one sentence", async () => {
  const message = "The file of the model is damaged; load the page again.";
  const refused = { name: "SoundError", message };
  await assert.rejects(weightsBytes({ ...file(), sha256: "0" }), refused);
  await assert.rejects(weightsBytes({ ...file(), data: "?" }), refused);
});
