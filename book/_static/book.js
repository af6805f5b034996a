// Figures open large on a click, on Enter or on the space bar; Escape or a click closes them.
// Long tables are sorted by a click on a heading: ascending, descending, as they were.
// Columns of numbers are aligned to the right, and long texts have room.
// On narrow pages, long names in code break after a dot, a slash or an underscore.
document.addEventListener("DOMContentLoaded", () => {
  enlargeFigures();
  breakCode();
  alignTables();
  sortTables();
  nameControls();
});

// The width of figures is known when they are loaded.
addEventListener("load", reachScrolling);

function enlargeFigures() {
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged-figure";
  dialog.setAttribute("aria-label", "Enlarged figure");
  const large = document.createElement("img");
  dialog.append(large);
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  for (const image of document.querySelectorAll("figure > img")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.title = "Enlarge";
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => {
      large.src = image.src;
      large.alt = image.alt;
      dialog.showModal();
    });
  }
}

const textOf = (cell) => cell?.textContent.trim() ?? "";

const EMPTY = new Set(["", "–", "—", "-"]);

function alignTables() {
  for (const table of document.querySelectorAll(".bd-article .cell_output table")) {
    breakNames(table);
    const rows = [...(table.tBodies[0]?.rows ?? [])];
    const headings = [...(table.tHead?.rows ?? [])].filter((row) => !row.querySelector("[colspan]"));
    const width = Math.min(...rows.map((row) => row.cells.length), 100);
    // From the right, since at the left a cell may extend over several rows.
    for (let place = 1; place <= width; place++) {
      const cells = rows.map((row) => [...row.cells].at(-place));
      const texts = cells.map(textOf);
      // Beside numbers there may be dashes, or words such as "not known".
      const values = texts.filter((text) => /\d/.test(text));
      const numeric = values.every((text) => text.length < 25 && !Number.isNaN(numberIn(text)));
      // Among names, one may begin with a number: 50 Cent.
      const words = texts.filter((text) => !EMPTY.has(text)).length - values.length;
      if (numeric && values.length > words) {
        const above = headings.map((row) => [...row.cells].at(-place));
        [...above, ...cells].forEach((cell) => cell?.classList.add("number"));
      } else if (texts.some((text) => text.length > 40)) {
        cells.forEach((cell) => cell.classList.add("long"));
      }
    }
  }
}

// Names of columns such as zero_crossing_rate_mean may break after an underscore.
function breakNames(table) {
  for (const heading of table.tHead?.querySelectorAll("th") ?? []) {
    const parts = heading.textContent.split(/(?<=_)/);
    if (heading.childElementCount === 0 && parts.length > 1) {
      heading.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
    }
  }
}

function breakCode() {
  if (!matchMedia("(max-width: 600px)").matches) {
    return;
  }
  for (const text of document.querySelectorAll("code.literal span.pre")) {
    const parts = text.textContent.split(/(?<=\w[._/])(?=\w)/);
    if (text.textContent.length > 17 && parts.length > 1) {
      const breaks = parts.slice(1).flatMap((part) => [document.createElement("wbr"), part]);
      text.replaceChildren(parts[0], ...breaks);
    }
  }
}

function sortTables() {
  // Tables of text pages are lists that are read from the top.
  const long = location.pathname.includes("/notebooks/") ? "table" : "table.dataframe";
  for (const table of document.querySelectorAll(`.bd-article ${long}`)) {
    const rows = [...(table.tBodies[0]?.rows ?? [])];
    const simple = table.tHead?.rows.length === 1 && table.tBodies.length === 1;
    // A row without a first cell belongs to the one above.
    const grouped =
      table.querySelector("[rowspan], [colspan]") || rows.some((row) => !textOf(row.cells[0]));
    if (rows.length > 8 && simple && !grouped) {
      makeSortable(table, rows);
    }
  }
}

function makeSortable(table, rows) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (!textOf(heading)) {
      return;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const order = next[heading.getAttribute("aria-sort")];
      for (const other of table.tHead.querySelectorAll("[aria-sort]")) {
        other.setAttribute("aria-sort", other === heading ? order : "none");
      }
      table.tBodies[0].append(...sorted(rows, column, order));
    });
  });
}

function sorted(rows, column, order) {
  if (order === "none") {
    return rows;
  }
  const texts = new Map(rows.map((row) => [row, textOf(row.cells[column])]));
  const filled = rows.filter((row) => !EMPTY.has(texts.get(row)));
  const numeric = filled.every((row) => !Number.isNaN(numberIn(texts.get(row))));
  const compare = (a, b) =>
    numeric
      ? numberIn(texts.get(a)) - numberIn(texts.get(b))
      : texts.get(a).localeCompare(texts.get(b), "en", { numeric: true });
  const sign = order === "ascending" ? 1 : -1;
  // Empty cells stay last in both orders.
  return [
    ...filled.sort((a, b) => sign * compare(a, b)),
    ...rows.filter((row) => EMPTY.has(texts.get(row))),
  ];
}

// The number that a text is or begins with: 1,234 or −5.1 or 80 % or 3 to 4; else NaN.
function numberIn(text) {
  const plain = text.replace("−", "-").replace(/^[+<]\s*|,(?=\d{3})/g, "");
  return /^-?[\d.]+(e-?\d+)?($|[\s%(±×])/.test(plain) ? Number.parseFloat(plain) : Number.NaN;
}

// What scrolls can be reached by the keyboard.
function reachScrolling() {
  const boxes = ".cell_output .text_html, .cell_output figure, div.formula";
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    }
  }
}

// What the theme leaves without a name, or gives one that differs from the text one sees.
function nameControls() {
  document.querySelector(".bd-sidebar-primary")?.setAttribute("role", "complementary");
  document.querySelector(".bd-sidebar-primary")?.setAttribute("aria-label", "Contents and search");
  for (const button of document.querySelectorAll(".search-button-field")) {
    button.removeAttribute("aria-label");
  }
  for (const icon of document.querySelectorAll(".theme-switch-button > i")) {
    icon.removeAttribute("title");
  }
  for (const summary of document.querySelectorAll("nav li > details > summary")) {
    const page = summary.closest("li").querySelector("a").textContent.trim();
    summary.setAttribute("aria-label", `Pages of ${page}`);
  }
}
