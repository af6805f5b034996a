"""What a page loads before it is used: no icons as a script, no index of words, no sounds.

An extension of Sphinx; `_config.yml` names it. The theme loads two thousand icons as a
script, although its style sheet draws the same from a font, and on every page the index
that only the search page uses. Sounds of notebooks, which bring them along in their text,
become files that are read when they are played, and large figures are compressed anew,
without loss.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

__all__ = ["setup", "sounds_as_files", "without_scripts"]

# Where the sounds are in the built book.
_FOLDER = "_sounds"

_SOUND = re.compile(r"data:audio/mpeg;base64,([A-Za-z0-9+/=]+)")
# What the script of an interactive figure begins with (plots/interactive.py).
_SOUNDS = re.compile(
    r'(window\.trackSounds \|\| \{\}, )(\{(?:"(?:[^"\\]|\\.)*": "[A-Za-z0-9+/=]*"(?:, )?)*\})'
)
_PLAYED = '"data:audio/mpeg;base64," + sounds['

# Figures of which compressing is worth the time, in bytes.
_LARGE = 100_000
_FIGURE = re.compile(r'(?<=src=")[^"]*_images/([^"]+\.png)(?=")')

# What the theme copies and no page loads.
_NOT_LOADED = ("scripts/fontawesome.*", "**/*.map")


def without_scripts(html: str, *names: str) -> str:
    """Return a part of a page without some of its scripts.

    Parameters
    ----------
    html : str
        A part of a page's head.
    *names : str
        Names of the scripts' files.

    Returns
    -------
    str
        Without the elements that load them.
    """
    choice = "|".join(map(re.escape, names))
    address = rf'(?:[^"]*/)?(?:{choice})(?:\?[^"]*)?'
    return re.sub(rf'<script[^>]*src="{address}"[^>]*></script>\s*', "", html)


def sounds_as_files(html: str, write: Callable[[bytes], str]) -> str:
    """Return the body of a page that plays its sounds from files.

    Parameters
    ----------
    html : str
        The body.
    write : callable
        Writes an MP3 file, and returns its address as seen from the page.

    Returns
    -------
    str
        The body, in which addresses stand for the sounds of players and of interactive
        figures.
    """

    def files(found: re.Match[str]) -> str:
        sounds = json.loads(found[2])
        places = {track: text and write(base64.b64decode(text)) for track, text in sounds.items()}
        return found[1] + json.dumps(places)

    html = _SOUNDS.sub(files, html).replace(_PLAYED, "sounds[")
    return _SOUND.sub(lambda found: write(base64.b64decode(found[1])), html)


def setup(app: Any) -> dict[str, Any]:
    """Register the changes with Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The application.

    Returns
    -------
    dict
        What Sphinx wants to know of an extension.
    """
    app.connect("config-inited", _add_templates)
    app.connect("builder-inited", _add_filter)
    app.connect("html-page-context", _write_sounds)
    app.connect("html-page-context", _compress_figures)
    app.connect("build-finished", _remove_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_templates(_app: Any, config: Any) -> None:
    # The layout there takes scripts out of the theme's.
    config.templates_path = [*config.templates_path, str(Path(__file__).parent / "templates")]


def _add_filter(app: Any) -> None:
    templates = getattr(app.builder, "templates", None)
    if templates:
        templates.environment.filters["without_scripts"] = without_scripts


def _write_sounds(
    app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    def write(content: bytes) -> str:
        name = f"{_FOLDER}/{hashlib.sha256(content).hexdigest()[:16]}.mp3"
        file = Path(app.outdir) / name
        if not file.is_file():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        return str(context["pathto"](name, 1))

    if "body" in context:
        context["body"] = sounds_as_files(context["body"], write)


def _compress_figures(
    app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    sources = {name: Path(app.srcdir) / source for source, name in app.builder.images.items()}

    def compressed(found: re.Match[str]) -> str:
        source = sources.get(found[1])
        if source is None or source.stat().st_size < _LARGE:
            return found[0]
        file = Path(app.outdir) / "_images" / f"{source.stem}.webp"
        if not file.is_file() or file.stat().st_mtime < source.stat().st_mtime:
            file.parent.mkdir(exist_ok=True)
            with Image.open(source) as image:
                image.save(file, lossless=True)
        return found[0].removesuffix(found[1]) + file.name

    if "body" in context:
        context["body"] = _FIGURE.sub(compressed, context["body"])


def _remove_files(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for pattern in _NOT_LOADED:
            for file in (Path(app.outdir) / "_static").glob(pattern):
                file.unlink()
