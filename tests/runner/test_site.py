"""The sources of the book."""

from gtzan_lib.runner.site import prose_files


def test_what_a_page_includes_is_a_source(tmp_path):
    texts = {
        "_config.yml": "",
        "_toc.yml": "root: book/index\n",
        "book/index.md": "# Book\n\n```{include} ../cards/one.md\n:start-after: x\n```\n"
        "````{literalinclude} ../cards/two.txt\n````\n```{include} ../../elsewhere.md\n```\n"
        "```{include} ../cards/missing.md\n```\n",
        "cards/one.md": "one",
        "cards/two.txt": "two",
        "cards/three.md": "three",
        "../elsewhere.md": "not of the project",
    }
    root = tmp_path / "project"
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    names = [file.relative_to(root).as_posix() for file in prose_files(root)]
    assert names == ["_config.yml", "_toc.yml", "book/index.md", "cards/one.md", "cards/two.txt"]
