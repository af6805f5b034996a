/** The licences of what others have written and the scripts contain. */

import fs from "node:fs";
import path from "node:path";

const TFJS = "@tensorflow/tfjs-backend-wasm";

/** The texts, in `licences/`, of packages that ship none. */
const TEXTS = { [TFJS]: "apache-2.0.txt" };

/**
 * What binaries are compiled from, which their packages do not say; so a new version has to be
 * looked up. LLVM's libraries are not named: their licence has an exception for compiled code.
 */
const COMPILED = {
  [`${TFJS} 4.22.0`]: [
    { name: "XNNPACK", licence: "BSD-3-Clause", text: "xnnpack.txt" },
    { name: "pthreadpool", licence: "BSD-2-Clause", text: "pthreadpool.txt" },
    { name: "FXdiv", licence: "MIT", text: "fxdiv.txt" },
    { name: "FP16", licence: "MIT", text: "fp16.txt" },
    { name: "Emscripten", licence: "MIT OR NCSA", text: "emscripten.txt" },
    { name: "musl", licence: "MIT", text: "musl.txt" },
  ],
};

const RULE = "=".repeat(80);

/** Return the files of packages that an output of esbuild contains, from its metafile. */
export function packageFiles({ outputs }) {
  return Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([file, { bytesInOutput }]) => file.startsWith("node_modules/") && bytesInOutput > 0)
    .map(([file]) => file);
}

/** Return the files of other packages that a file was bundled from, as its source map says. */
function bundledFiles(root, file) {
  const map = path.join(root, `${file}.map`);
  if (!fs.existsSync(map)) {
    return [];
  }
  const { sources } = JSON.parse(fs.readFileSync(map, "utf8"));
  return sources.filter((source) => source.startsWith("node_modules/"));
}

function section(lines, text) {
  // The first line may be indented.
  return [RULE, ...lines, RULE, "", text.replace(/^\n+/, "").trimEnd(), ""].join("\n");
}

function kept(root, text) {
  return fs.readFileSync(path.join(root, "licences", text), "utf8");
}

function licenceText(root, folder, name) {
  const shipped = fs.readdirSync(path.join(root, folder)).find((file) => /^licen[cs]e/i.test(file));
  if (shipped) {
    return fs.readFileSync(path.join(root, folder, shipped), "utf8");
  }
  if (!TEXTS[name]) {
    throw new Error(`${folder} ships no licence text: name one in licences.mjs`);
  }
  return kept(root, TEXTS[name]);
}

/** Return the sections of a package, and of what its binary is compiled from. */
function sections(root, folder, hasBinary) {
  const file = path.join(root, folder, "package.json");
  const { name, version, license } = JSON.parse(fs.readFileSync(file, "utf8"));
  const title = `${name} ${version}`;
  const compiled = hasBinary ? COMPILED[title] : [];
  if (!compiled) {
    throw new Error(`${folder} has a binary: say in licences.mjs what ${title} is compiled from`);
  }
  return [
    section([title, license], licenceText(root, folder, name)),
    ...compiled.map(({ name, licence, text }) =>
      section([`${name}, compiled into ${title}`, licence], kept(root, text)),
    ),
  ];
}

/** Return the text of `LICENSES.txt`; `files` are those that the scripts contain. */
export function licences(root, files) {
  const all = files.flatMap((file) => [file, ...bundledFiles(root, file)]);
  const folderOf = (file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)[0];
  const binaries = all.filter((file) => file.endsWith(".wasm")).map(folderOf);
  const folders = [...new Set(all.map(folderOf))].sort();
  return [
    "The scripts in this folder contain software of others, under the licences below.\n",
    ...folders.flatMap((folder) => sections(root, folder, binaries.includes(folder))),
  ].join("\n");
}
