"""Buttons that lead to the repository: which there are, and what they open."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from jupyter_book.config import get_final_config
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx

from gtzan_lib.errors import RunError
from gtzan_lib.runner.extensions.buttons import button_options, open_notebook
from gtzan_lib.runner.origins import note_origin

ROOT = Path(__file__).parents[3]
GITHUB = "https://github.com/a-name/a-project"
GITLAB = "https://gitlab.example.org/group/part/a-project"


def test_without_an_address_there_are_no_buttons():
    options = button_options("", "main")
    assert not any(value for name, value in options.items() if name != "repository_branch")


def test_the_address_of_the_book_tools_own_repository_is_none():
    (default,) = {
        value for name, value in configured({"title": "A book"}).items() if name == "repository_url"
    }
    assert "jupyter-book" in default
    assert button_options(default, "main")["repository_url"] == ""


@pytest.mark.parametrize("url", [GITHUB, f"{GITHUB}/", GITLAB])
def test_an_address_turns_all_buttons_on(url):
    options = button_options(url, "a-branch")
    assert options["repository_url"] == url.rstrip("/")
    assert options["repository_branch"] == "a-branch"
    assert all(options[f"use_{kind}_button"] for kind in ("repository", "issues", "edit_page"))
    # Colab opens notebooks of GitHub alone, and the theme would warn.
    assert ("colab_url" in options["launch_buttons"]) is ("github" in url)


@pytest.mark.parametrize(
    "url",
    [
        "github.com/a-name/a-project",
        "https://github.com/a-name",
        f"{GITHUB}.git",
        "https://example.org/a-name/a-project",
        "git@github.com:a-name/a-project",
    ],
)
def test_what_is_no_address_of_a_repository_is_refused(url):
    with pytest.raises(RunError, match=r"repository.url is .*, or empty\.$"):
        button_options(url, "main")


LINKS = [
    f"{GITHUB}/edit/main/notebooks/08_cnn-wide.ipynb",
    "https://mybinder.org/v2/gh/a-name/a-project/main?urlpath=lab/tree/notebooks/08_cnn-wide.ipynb",
    "https://colab.research.google.com/github/a-name/a-project/blob/main/notebooks/08_cnn-wide.ipynb",
    f"{GITHUB}/issues/new?title=Issue%20on%20page%20%2Fnotebooks/08_cnn-wide.html",
]


def test_links_open_the_notebook_and_name_the_page_in_issues():
    links = [{"type": "link", "url": url} for url in LINKS]
    buttons = [{"type": "javascript"}, {"type": "group", "buttons": links}]
    script, group = open_notebook(buttons, "notebooks/08_cnn-wide", "notebooks/08_cnn.ipynb")
    assert script == {"type": "javascript"}
    opened = [link["url"] for link in group["buttons"]]
    assert [url.endswith("notebooks/08_cnn.ipynb") for url in opened] == [True, True, True, False]
    assert opened[3] == LINKS[3]
    # The theme's own buttons stay as they are.
    assert links[0]["url"] == LINKS[0]


def test_a_notebook_that_needs_the_repository_is_not_opened_alone():
    links = [{"type": "link", "url": url} for url in LINKS]
    opened = open_notebook(links, "notebooks/08_cnn-wide", "notebooks/08_cnn.ipynb", alone=False)
    assert [url.split("/")[2] for url in (link["url"] for link in opened)] == [
        "github.com", "mybinder.org", "github.com",
    ]  # fmt: skip


def configured(settings):
    """Return the theme's options as Jupyter Book makes them from `_config.yml`."""
    config, _ = get_final_config(user_yaml=settings, cli_config={"latex_individualpages": False})
    return config["html_theme_options"]


def test_the_address_is_configured_in_one_place():
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    assert "gtzan_lib.runner.extensions.buttons" in settings["sphinx"]["extra_extensions"]
    assert settings["repository"].keys() == {"url", "branch"}
    # Everything else follows from it.
    assert "launch_buttons" not in settings
    assert not re.search(r"use_\w+_button", text)
    given = configured({**settings, "repository": {"url": GITHUB, "branch": "main"}})
    options = button_options(given["repository_url"], given["repository_branch"])
    assert options["repository_url"] == GITHUB


def build(root, url):
    """Build a text page, and two pages that were executed from notebooks."""
    parameters = {
        "08_cnn-wide": 'run: str = "manual"\nhidden: int = 64',
        "gtzan_leak": 'run: str = "manual"\nresults: str = "results/gtzan"',
    }
    (root / "notebooks").mkdir(parents=True)
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for name, source in parameters.items():
        cells = [new_markdown_cell(f"# {name}")]
        cells.append(new_code_cell(source, metadata={"tags": ["parameters"]}))
        injected = 'run = "quick"' + ("\nhidden = 256" if "hidden" in source else "")
        tags = {"tags": ["injected-parameters"]}
        cells.append(new_code_cell(f"# Parameters\n{injected}", metadata=tags))
        page = new_notebook(cells=cells, metadata=metadata)
        note_origin(page, Path(f"notebooks/{name.partition('-')[0]}.ipynb"))
        nbformat.write(page, root / "notebooks" / f"{name}.ipynb")
    (root / "text.md").write_text(
        "# A page\n\n```{toctree}\nnotebooks/08_cnn-wide\nnotebooks/gtzan_leak\n```\n"
    )
    settings = {
        "extensions": [
            "myst_nb", "sphinx_design", "sphinx_book_theme", "gtzan_lib.runner.extensions.buttons",
        ],
        "html_theme": "sphinx_book_theme",
        "html_theme_options": {"repository_url": url},
        "myst_enable_extensions": ["colon_fence"],
        "nb_execution_mode": "off",
        "root_doc": "text",
    }  # fmt: skip
    app = Sphinx(root, None, root / "html", root / "trees", "html", settings, status=None)
    app.build()
    pages = ("text", "notebooks/08_cnn-wide", "notebooks/gtzan_leak")
    return [(root / "html" / f"{page}.html").read_text(encoding="utf-8") for page in pages]


FOREIGN = re.compile(r'href="(https://(?:github|mybinder|colab)[^"]*)"')


def test_pages_have_buttons_only_with_an_address(tmp_path):
    text, wide, leak = build(tmp_path / "with", GITHUB)
    issue = f"{GITHUB}/issues/new?title=Issue%20on%20page%20%2F"
    found = [url.replace("&amp;", "&").partition("&body")[0] for url in FOREIGN.findall(wide)]
    assert sorted(found) == sorted(
        [
            GITHUB,
            f"{issue}notebooks/08_cnn-wide.html",
            f"{GITHUB}/edit/main/notebooks/08_cnn.ipynb",
            "https://mybinder.org/v2/gh/a-name/a-project/main"
            "?urlpath=lab/tree/notebooks/08_cnn.ipynb",
            "https://colab.research.google.com/github/a-name/a-project/blob/main"
            "/notebooks/08_cnn.ipynb",
        ]
    )
    assert "papermill notebooks/08_cnn.ipynb out.ipynb" in re.sub("<[^>]+>", "", wide)
    assert f"{GITHUB}/edit/main/text.md" in text
    assert "mybinder.org" not in text
    assert "mybinder.org" in leak
    assert "colab" not in leak
    assert "This page on the command line" not in leak
    for page in build(tmp_path / "without", ""):
        assert not FOREIGN.search(page)
