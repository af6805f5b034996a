"""The exercises of notebooks: solutions are Python blocks in dropdowns named Solution."""

import re
from pathlib import Path

import nbformat

_SOLUTION = re.compile(r"^:::\{dropdown\} Solution\n(.*?)^:::$", re.M | re.S)
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def solutions(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the code of each solution, in their order; empty for one in words alone."""
    found = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            for text in _SOLUTION.findall(cell["source"]):
                found.append("\n".join(_BLOCK.findall(text)))
    return found


def add_solutions(file: Path) -> int:
    """Add the code of all solutions to a notebook, as its last cells; return their number."""
    notebook = nbformat.read(file, as_version=4)
    codes = [code for code in solutions(notebook) if code]
    for code in codes:
        cell = nbformat.v4.new_code_cell(code)
        # What it shows belongs to no page.
        cell["metadata"]["tags"] = ["remove-cell"]
        notebook["cells"].append(cell)
    nbformat.write(notebook, file)
    return len(codes)
