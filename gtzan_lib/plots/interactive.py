"""Interactive scatter plots: tracks as dots with their names, and players for their audio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.colors
import numpy as np
import pandas as pd

from .audio import excerpt, is_playable
from .style import genre_colors, palette

if TYPE_CHECKING:
    from ..data.corpus import Corpus

__all__ = ["InteractiveScatter", "interactive_scatter"]

# Plotly is in the book's `_static`, so that no network is needed; a page loads it once.
_PAGE = """
<div id="@NAME@" style="height:560px"></div>
<p id="@NAME@-status" style="min-height:1.6em;font-size:.9em">@HINT@</p>
<script>
(function () {
  const element = document.getElementById("@NAME@");
  const status = document.getElementById("@NAME@-status");
  const figure = @FIGURE@, sounds = @SOUNDS@;
  let playing = null;
  function play(event) {
    const id = event.points[0].customdata, sound = sounds[id];
    if (playing) playing.pause();
    if (!sound) return;
    playing = new Audio("data:audio/mpeg;base64," + sound);
    playing.onended = () => { status.textContent = "@HINT@"; };
    playing.play();
    status.textContent = "Playing " + id;
  }
  function draw() {
    Plotly.newPlot(element, figure.data, figure.layout, { responsive: true, displayModeBar: false })
      .then(() => element.on("plotly_click", play));
  }
  if (window.Plotly) return draw();
  let script = document.getElementById("plotly-script");
  if (!script) {
    script = document.createElement("script");
    script.id = "plotly-script";
    script.src = (document.documentElement.dataset.content_root || "../") + "_static/plotly.min.js";
    document.head.appendChild(script);
  }
  script.addEventListener("load", draw);
  script.addEventListener("error", () => {
    status.textContent = "This interactive figure needs the built book.";
  });
})();
</script>
"""


class InteractiveScatter:
    """An interactive figure, for pages of the book and for notebooks.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The figure.
    sounds : dict of str to str
        MP3 files in base 64 by track id, played on a click.
    """

    def __init__(self, figure: Any, sounds: dict[str, str]) -> None:
        self.figure = figure
        self.sounds = sounds

    def __repr__(self) -> str:
        return f"InteractiveScatter({len(self.figure.data)} groups, {len(self.sounds)} sounds)"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return HTML for pages, and the figure for Jupyter's plotly extension."""
        figure = json.loads(self.figure.to_json())
        # Without "<", no name can end the script.
        figure_json = json.dumps(figure, sort_keys=True).replace("<", "\\u003c")
        values = {
            "NAME": "scatter-" + hashlib.sha256(figure_json.encode()).hexdigest()[:12],
            "HINT": "Hover for names" + ("; click to listen." if self.sounds else "."),
            "FIGURE": figure_json,
            "SOUNDS": json.dumps(self.sounds).replace("<", "\\u003c"),
        }
        page = _PAGE
        for name, text in values.items():
            page = page.replace(f"@{name}@", text)
        return {
            "text/html": page,
            "application/vnd.plotly.v1+json": figure,
            "text/plain": repr(self),
        }


def interactive_scatter(
    points: np.ndarray,
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    names: Sequence[str],
    groups: np.ndarray | None = None,
    seconds: float = 3.0,
) -> InteractiveScatter:
    """Draw every track as a dot that shows its name, and plays its audio where available.

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2 or 3)]
        Coordinates of the windows; a track is at the mean of its windows.
    windows : pd.DataFrame
        `track_id` and `genre` of each window.
    corpus : Corpus
        Provides artists and audio.
    names : sequence of str
        Labels of the axes.
    groups : np.ndarray [shape=(n,)], optional
        Group of each window, shown by colour; a track has that of most of its
        windows. Default: the genre.
    seconds : float
        Length of the excerpts, from the beginning of each track. Only the
        synthetic corpus has audio.

    Returns
    -------
    InteractiveScatter
        For display in a notebook. Three columns of points make a figure that can
        be rotated.
    """
    import plotly.graph_objects as go

    means = pd.DataFrame(points).groupby(windows["track_id"].to_numpy(), sort=False).mean()
    genres = windows.drop_duplicates("track_id").set_index("track_id")["genre"]
    if groups is None:
        group, colors = genres, genre_colors(sorted(genres.unique()))
    else:
        windows_of_track = pd.Series(groups).groupby(windows["track_id"].to_numpy(), sort=False)
        group = windows_of_track.agg(lambda track: track.mode().iloc[0])
        labels = sorted(group.unique())
        colors = dict(zip(labels, palette(len(labels)), strict=True))
    artists = pd.Series(corpus.artists_of(means.index), means.index)
    figure = go.Figure()
    for name, color in colors.items():
        rows = means[group == name]
        texts = [
            f"<b>{track}</b><br>{genres[track]}"
            + (f"<br>{artists[track]}" if artists[track] != track else "")
            for track in rows.index
        ]
        figure.add_trace(
            _trace(
                go, rows.to_numpy(), str(name), matplotlib.colors.to_hex(color), texts, rows.index
            )
        )
    _lay_out(figure, names)
    sounds = {}
    if is_playable(corpus):
        # A low bit rate keeps pages small, and is enough to tell tracks apart.
        sounds = {t: excerpt(corpus, t, seconds=seconds, quality=0.85) for t in means.index}
    return InteractiveScatter(figure, sounds)


def _trace(
    go: Any, points: np.ndarray, name: str, color: str, texts: list[str], tracks: pd.Index
) -> Any:
    flat = points.shape[1] == 2
    trace = go.Scatter if flat else go.Scatter3d
    columns = dict(zip("xyz", np.round(points, 3).T.tolist(), strict=False))
    return trace(
        **columns, mode="markers", name=name, text=texts, hoverinfo="text",
        customdata=tracks.tolist(),
        marker={"size": 9 if flat else 5, "color": color, "opacity": 0.85},
    )  # fmt: skip


def _lay_out(figure: Any, names: Sequence[str]) -> None:
    axes = {
        f"{axis}axis": {"title": {"text": name}} for axis, name in zip("xyz", names, strict=False)
    }
    figure.update_layout(
        template="plotly_white", height=560, margin={"l": 10, "r": 10, "t": 10, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)", hoverlabel={"align": "left"},
        **(axes if len(names) == 2 else {"scene": axes}),
    )  # fmt: skip
