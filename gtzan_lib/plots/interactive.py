"""Interactive scatter plots: tracks as markers with their names, a list, and their audio."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.colors
import numpy as np
import pandas as pd
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from .audio import excerpt, is_playable
from .style import genre_colors, genre_markers, palette

if TYPE_CHECKING:
    from ..data.corpus import Corpus

__all__ = ["InteractiveScatter", "interactive_scatter"]

# Size of the drawing, of its margin left and below, and of a marker, in units of its own.
_WIDTH, _HEIGHT, _MARGIN, _RADIUS = 520, 420, 52, 5.5
# Half the edge of the cube of a figure in three dimensions, and how it is first seen:
# angles about the vertical and about the horizontal axis, in radians.
_CUBE, _TURN, _TILT = 120, 0.6, 0.35

_COMMANDS = {
    Path.MOVETO: "M",
    Path.LINETO: "L",
    Path.CURVE3: "Q",
    Path.CURVE4: "C",
    Path.CLOSEPOLY: "Z",
}

_SCRIPT = """
(function () {
  const root = document.getElementById(NAME), svg = root.querySelector("svg");
  const status = root.querySelector("[role=status]"), hint = status.textContent;
  // One set of sounds for all figures of a page.
  const sounds = Object.assign(window.trackSounds = window.trackSounds || {}, SOUNDS);
  const dots = new Map([...svg.querySelectorAll("use")].map((dot) => [dot.dataset.track, dot]));
  const title = (dot) => dot.querySelector("title").textContent;
  function choose(track) {
    const dot = dots.get(track);
    dots.forEach((other) => {
      other.setAttribute("stroke", other === dot ? "black" : "white");
      other.setAttribute("stroke-width", other === dot ? 2 : 0.7);
    });
    dot.parentNode.append(dot);
    if (window.trackAudio) window.trackAudio.pause();
    status.textContent = title(dot);
    if (!sounds[track]) return;
    const audio = window.trackAudio = new Audio("data:audio/mpeg;base64," + sounds[track]);
    audio.onended = () => { status.textContent = hint; };
    audio.play();
    status.textContent = "Playing " + title(dot);
  }
  svg.addEventListener("pointerover", (event) => {
    if (event.target.dataset.track) status.textContent = title(event.target);
  });
  root.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-track]");
    if (chosen) choose(chosen.dataset.track);
    const button = event.target.closest("[aria-pressed]");
    if (!button) return;
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", shown);
    button.style.opacity = shown ? 1 : 0.4;
    dots.forEach((dot) => {
      if (dot.dataset.group === button.dataset.group) dot.style.display = shown ? "" : "none";
    });
  });
  const moving = [...svg.querySelectorAll("[data-at]")];
  if (!moving.length) return;
  let [turn, tilt] = VIEW, from = null;
  function rotate(turned, tilted) {
    turn += turned;
    tilt = Math.max(-1.57, Math.min(1.57, tilt + tilted));
    const [c, s, e, f] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
    const place = (at) => {
      const [x, y, z] = at.split(" ").map(Number), depth = s * x + c * y;
      return [CX + CUBE * (c * x - s * y), CY - CUBE * (e * z + f * depth), e * depth - f * z];
    };
    moving.forEach((element) => {
      const ends = element.dataset.at.split(",").map(place);
      if (element.tagName === "line") {
        ends.forEach(([x, y], n) => {
          element.setAttribute("x" + (n + 1), x);
          element.setAttribute("y" + (n + 1), y);
        });
      } else element.setAttribute("transform", `translate(${ends[0][0]} ${ends[0][1]})`);
      element.depth = ends[0][2];
    });
    // What is nearer is drawn later.
    [...dots.values()].sort((a, b) => b.depth - a.depth).forEach((d) => d.parentNode.append(d));
  }
  svg.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; });
  window.addEventListener("pointerup", () => { from = null; });
  window.addEventListener("pointermove", (event) => {
    if (!from) return;
    rotate((event.clientX - from[0]) / 150, (event.clientY - from[1]) / 150);
    from = [event.clientX, event.clientY];
  });
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    rotate(0.1 * step[0], 0.1 * step[1]);
  });
})();
"""


class InteractiveScatter:
    """A scatter plot of tracks for pages of the book and for notebooks, without other files.

    Parameters
    ----------
    tracks : pd.DataFrame
        One row a track, with the columns `group`, `genre` and `artist`, and after
        these two or three columns of coordinates, which name the axes.
    styles : mapping of str to (str, str)
        Colour in hexadecimal and Matplotlib's marker of each group, in the order of
        the legend.
    sounds : mapping of str to str
        MP3 files in base 64 by track id, played on a click.
    playable : bool
        Whether a click plays a sound: one of `sounds`, or of another figure on the
        same page.
    """

    def __init__(
        self,
        tracks: pd.DataFrame,
        styles: Mapping[str, tuple[str, str]],
        sounds: Mapping[str, str],
        *,
        playable: bool,
    ) -> None:
        self.tracks = tracks
        self.styles = styles
        self.sounds = sounds
        self.playable = playable

    @property
    def axes(self) -> list[str]:
        """Names of the axes."""
        return list(self.tracks.columns[3:])

    def __repr__(self) -> str:
        return f"InteractiveScatter({len(self.tracks)} tracks, {len(self.sounds)} sounds)"

    def _repr_html_(self) -> str:
        drawing = self._drawing()
        name = "scatter-" + hashlib.sha256(drawing.encode()).hexdigest()[:12]
        hint = "Hover over a marker for its name" + ("; click to listen." if self.playable else ".")
        values = {
            "NAME": json.dumps(name),
            "VIEW": json.dumps([_TURN, _TILT]),
            "CUBE": str(_CUBE),
            "CX": str(_WIDTH / 2),
            "CY": str(_HEIGHT / 2),
            # Without "<", no name can end the script.
            "SOUNDS": json.dumps(dict(self.sounds)).replace("<", "\\u003c"),
        }
        script = _SCRIPT
        for key, value in values.items():
            script = script.replace(key, value)
        return (
            f'<div id="{name}" class="interactive-scatter" style="max-width:46rem">'
            f"{drawing.replace('@', name)}{self._legend().replace('@', name)}"
            f'<p role="status" style="min-height:1.6em;font-size:.9em">{hint}</p>{self._list()}'
            f"</div><script>{script}</script>"
        )

    def _drawing(self) -> str:
        """Return the figure in SVG; `@` stands for its name."""
        points = self.tracks[self.axes].to_numpy(float)
        low, high = points.min(axis=0), points.max(axis=0)
        # Each axis fills the drawing.
        scaled = (points - (low + high) / 2) / np.where(high > low, (high - low) / 2, 1)
        flat = len(self.axes) == 2
        frame = _axes_2d(self.axes, low, high) if flat else _axes_3d(self.axes)
        places = _place_2d(scaled) if flat else _project(scaled)
        number = {group: n for n, group in enumerate(self.styles)}
        dots = []
        for (track, row), (x, y), at in zip(self.tracks.iterrows(), places, scaled, strict=True):
            title = ", ".join(dict.fromkeys([str(track), row["genre"], row["artist"]]))
            rotated = "" if flat else f' data-at="{_numbers(at, 3)}"'
            dots.append(
                f'<use href="#@-{number[row["group"]]}" data-track="{_text(str(track))}" '
                f'data-group="{_text(row["group"])}" fill="{self.styles[row["group"]][0]}" '
                f'transform="translate({x:.1f} {y:.1f})" stroke="white"{rotated}>'
                f"<title>{_text(title)}</title></use>"
            )
        shapes = "".join(
            f'<path id="@-{n}" d="{_outline(marker)}"/>'
            for n, (_, marker) in enumerate(self.styles.values())
        )
        keys = "" if flat else "; arrow keys rotate it"
        label = (
            f"Scatter plot of {len(self.tracks)} tracks by {' and '.join(self.axes)}, one colour "
            f"and shape for each group{keys}. The list below the figure has the same tracks."
        )
        touch = "auto" if flat else "pan-y"
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" tabindex="0" role="img" '
            f'aria-label="{_text(label)}" font-size="15" '
            f'style="width:100%;height:auto;background:#fff;border-radius:.25rem;'
            f'font-family:sans-serif;touch-action:{touch};user-select:none">'
            f"<defs>{shapes}</defs>{frame}"
            f'<g opacity=".9" stroke-width=".7" style="cursor:pointer">{"".join(dots)}</g></svg>'
        )

    def _legend(self) -> str:
        """Return a button for each group, which hides its tracks."""
        buttons = "".join(
            f'<button type="button" aria-pressed="true" data-group="{_text(group)}" '
            'style="border:1px solid #bbb;border-radius:1rem;background:#fff;color:#1f2328;'
            'padding:.1rem .6rem;font-size:.85rem">'
            '<svg viewBox="-8 -8 16 16" width="14" height="14" aria-hidden="true">'
            f'<use href="#@-{n}" fill="{color}"/></svg> {_text(group)}</button>'
            for n, (group, (color, _)) in enumerate(self.styles.items())
        )
        style = "display:flex;flex-wrap:wrap;gap:.3rem;margin:.4rem 0"
        return f'<div role="group" aria-label="Groups shown" style="{style}">{buttons}</div>'

    def _list(self) -> str:
        """Return the tracks as a table, each with a button that marks and plays it."""
        columns = self.tracks
        if (columns["group"] == columns["genre"]).all():
            columns = columns.drop(columns="group")
        if (columns["artist"] == columns.index).all():
            columns = columns.drop(columns="artist")
        head = "".join(f'<th scope="col">{_text(name)}</th>' for name in ["track", *columns])
        rows = []
        for track, row in columns.sort_values("genre", kind="stable").iterrows():
            cells = "".join(
                f"<td>{_text(value) if isinstance(value, str) else f'{value:.2f}'}</td>"
                for value in row
            )
            rows.append(
                f'<tr><td><button type="button" data-track="{_text(str(track))}" '
                'style="border:0;background:none;color:inherit;text-decoration:underline;'
                f'padding:0">{_text(str(track))}</button></td>{cells}</tr>'
            )
        return (
            "<details><summary>As a list</summary>"
            '<div tabindex="0" role="region" aria-label="List of the tracks" '
            'style="max-height:24rem;overflow:auto">'
            f'<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}'
            "</tbody></table></div></details>"
        )


def interactive_scatter(
    points: np.ndarray,
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    names: Sequence[str],
    groups: np.ndarray | None = None,
    seconds: float = 3.0,
    sounds: bool = True,
) -> InteractiveScatter:
    """Draw every track as a marker that shows its name, and plays its audio where available.

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2 or 3)]
        Coordinates of the windows; a track is at the mean of its windows.
    windows : pd.DataFrame
        `track_id` and `genre` of each window.
    corpus : Corpus
        Provides artists and audio.
    names : sequence of str
        Labels of the axes, all different.
    groups : np.ndarray [shape=(n,)], optional
        Group of each window, shown by colour and shape; a track has that of most of
        its windows. Default: the genre.
    seconds : float
        Length of the excerpts, from the beginning of each track. Only the
        synthetic corpus has audio.
    sounds : bool
        Whether the figure brings the excerpts along. False: it plays those of
        another figure on the page.

    Returns
    -------
    InteractiveScatter
        For display in a notebook. Three columns of points make a figure that can
        be rotated.
    """
    track_ids = windows["track_id"].to_numpy()
    means = pd.DataFrame(points, columns=list(names)).groupby(track_ids, sort=False).mean()
    genres = windows.drop_duplicates("track_id").set_index("track_id")["genre"]
    if groups is None:
        group, colors = genres, genre_colors(sorted(genres.unique()))
    else:
        windows_of_track = pd.Series(groups).groupby(track_ids, sort=False)
        group = windows_of_track.agg(lambda track: track.mode().iloc[0])
        labels = sorted(group.unique())
        colors = dict(zip(labels, palette(len(labels)), strict=True))
    markers = genre_markers([str(name) for name in colors])
    tracks = pd.DataFrame(
        {
            "group": group[means.index].astype(str),
            "genre": genres[means.index],
            "artist": corpus.artists_of(means.index),
        },
        index=means.index,
    ).join(means)
    styles = {
        str(name): (matplotlib.colors.to_hex(color), markers[str(name)])
        for name, color in colors.items()
    }
    playable = is_playable(corpus)
    # A low bit rate keeps pages small, and is enough to tell tracks apart.
    files = {
        str(track): excerpt(corpus, track, seconds=seconds, quality=0.85)
        for track in (means.index if playable and sounds else ())
    }
    return InteractiveScatter(tracks, styles, files, playable=playable)


def _text(text: str) -> str:
    """Return a text for a page, without the sign that stands for the figure's name."""
    return html.escape(text).replace("@", "&#64;")


def _numbers(values: np.ndarray, digits: int) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values)


def _outline(marker: str) -> str:
    """Return the outline of a marker of Matplotlib as a path of SVG, about the origin."""
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform())
    # Markers are at most 1 wide, a star has little area, and the vertical axis of SVG
    # points down.
    size = _RADIUS * (2.8 if marker == "*" else 2)
    segments = path.iter_segments(simplify=False)
    return "".join(
        _COMMANDS[code] + ("" if code == Path.CLOSEPOLY else _numbers(flipped.ravel(), 2))
        for flipped, code in (
            (size * vertices.reshape(-1, 2) * [1, -1], code) for vertices, code in segments
        )
    )


def _place_2d(scaled: np.ndarray) -> np.ndarray:
    """Return where points between -1 and 1 are drawn, with room for axes left and below."""
    half = np.array([_WIDTH - _MARGIN, _HEIGHT - _MARGIN]) / 2
    room = half - 2 * _RADIUS
    return np.array([_WIDTH - half[0], half[1]]) + scaled * room * [1, -1]


def _axes_2d(names: Sequence[str], low: np.ndarray, high: np.ndarray) -> str:
    """Return grid lines with numbers, and the names of two axes."""
    parts = []
    bottom, left = _HEIGHT - _MARGIN, _MARGIN
    for axis in (0, 1):
        span = (high[axis] - low[axis]) / 2 or 1
        ticks = MaxNLocator(5).tick_values(low[axis], high[axis])
        for tick in ticks[(ticks >= low[axis]) & (ticks <= high[axis])]:
            scaled = np.zeros((1, 2))
            scaled[0, axis] = (tick - (low[axis] + high[axis]) / 2) / span
            x, y = _place_2d(scaled)[0]
            line, label = (
                (f'x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom}"',
                 f'x="{x:.1f}" y="{bottom + 19}" text-anchor="middle"'),
                (f'x1="{left}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"',
                 f'x="{left - 6}" y="{y + 4:.1f}" text-anchor="end"'),
            )[axis]  # fmt: skip
            parts.append(
                f'<line {line} stroke="#e5e5e5"/><text {label} fill="#444">{tick:g}</text>'
            )
    middle_x, middle_y = (_WIDTH + left) / 2, bottom / 2
    return (
        f"{''.join(parts)}"
        f'<text x="{middle_x}" y="{_HEIGHT - 8}" text-anchor="middle">{_text(names[0])}</text>'
        f'<text transform="translate(14 {middle_y}) rotate(-90)" text-anchor="middle">'
        f"{_text(names[1])}</text>"
    )


def _project(scaled: np.ndarray) -> np.ndarray:
    """Return where points of the cube from -1 to 1 are drawn, as the script does."""
    x, y, z = scaled.T
    depth = np.sin(_TURN) * x + np.cos(_TURN) * y
    right = np.cos(_TURN) * x - np.sin(_TURN) * y
    up = np.cos(_TILT) * z + np.sin(_TILT) * depth
    return np.column_stack([_WIDTH / 2 + _CUBE * right, _HEIGHT / 2 - _CUBE * up])


def _axes_3d(names: Sequence[str]) -> str:
    """Return the edges of a cube, three of them with the names of the axes at their ends."""
    parts = []
    for axis, name in enumerate(names):
        # As it is first seen, the vertical axis is the left edge, beside the points.
        corner = (-1, 1) if axis == 2 else (-1, -1)
        for others in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            ends = np.array([np.insert(np.array(others, float), axis, end) for end in (-1, 1)])
            (x1, y1), (x2, y2) = _project(ends)
            is_axis = others == corner
            parts.append(
                f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                f'data-at="{_numbers(ends[0], 0)},{_numbers(ends[1], 0)}" '
                f'stroke="{"#555" if is_axis else "#ddd"}"/>'
            )
        place = np.insert(np.array(corner, float), axis, 1.3)
        x, y = _project(place[None])[0]
        parts.append(
            f'<text transform="translate({x:.1f} {y:.1f})" data-at="{_numbers(place, 2)}" '
            f'text-anchor="middle">{_text(name)}</text>'
        )
    return "".join(parts)
