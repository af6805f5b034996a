import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { licences, packageFiles } from "../licences.mjs";

function makePackage(root, name, files) {
  const folder = path.join(root, "node_modules", name);
  fs.mkdirSync(folder, { recursive: true });
  const about = JSON.stringify({ name, version: "1.2.3", license: "MIT" });
  for (const [file, text] of Object.entries({ "package.json": about, ...files })) {
    fs.writeFileSync(path.join(folder, file), text);
  }
}

function withFolder(run) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "gtzan-licences-"));
  try {
    run(root);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

test("packages are those of which a bundle contains something", () => {
  const inputs = {
    "src/page.ts": { bytesInOutput: 9 },
    "node_modules/one/index.js": { bytesInOutput: 1 },
    "node_modules/two/index.js": { bytesInOutput: 0 },
  };
  const outputs = { "page.js": { inputs }, "page.css": { inputs: {} } };
  assert.deepEqual(packageFiles({ outputs }), ["node_modules/one/index.js"]);
});

test("each package has its licence, and so has what it was bundled from", () => {
  withFolder((root) => {
    const map = JSON.stringify({ sources: ["src/a.js", "node_modules/@in/side/b.js"] });
    makePackage(root, "outer", { "a.js.map": map, LICENSE: "\n  Of outer\n" });
    makePackage(root, "@in/side", { "licence.md": "Of inside" });
    makePackage(root, "unused", { LICENSE: "Of unused" });
    const text = licences(root, ["node_modules/outer/a.js", "node_modules/outer/c.js"]);
    const sections = text.split(/^={80}\n/m).slice(1);
    assert.deepEqual(sections, [
      "@in/side 1.2.3\nMIT\n", "\nOf inside\n\n",
      "outer 1.2.3\nMIT\n", "\n  Of outer\n",
    ]);
  });
});

test("a package without a licence text, or with an unknown binary, is refused", () => {
  withFolder((root) => {
    makePackage(root, "bare", {});
    assert.throws(() => licences(root, ["node_modules/bare/a.js"]), {
      message: "node_modules/bare ships no licence text: name one in licences.mjs",
    });
    makePackage(root, "bare", { LICENSE: "Of bare" });
    assert.throws(() => licences(root, ["node_modules/bare/a.wasm"]), {
      message:
        "node_modules/bare has a binary: say in licences.mjs what bare 1.2.3 is compiled from",
    });
  });
});
