"""Pictures that answer: tracks as dots that tell their names and can be heard."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.colors
import numpy as np
import pandas as pd

from .audio import excerpt, may_be_heard
from .style import genre_colors, palette

if TYPE_CHECKING:
    from ..data.corpus import Corpus

__all__ = ["InteractiveScatter", "interactive_scatter"]

# Drawn by a script that the book keeps in its `_static`, so that no network is
# needed; it is fetched once a page.
_PAGE = """
<div id="@NAME@" style="height:560px"></div>
<p id="@NAME@-said" style="min-height:1.6em;font-size:.9em">@HINT@</p>
<script>
(function () {
  const place = document.getElementById("@NAME@");
  const said = document.getElementById("@NAME@-said");
  const figure = @FIGURE@, sounds = @SOUNDS@;
  let playing = null;
  function play(event) {
    const id = event.points[0].customdata, sound = sounds[id];
    if (playing) playing.pause();
    if (!sound) return;
    playing = new Audio("data:audio/mpeg;base64," + sound);
    playing.onended = () => { said.textContent = "@HINT@"; };
    playing.play();
    said.textContent = "Playing " + id;
  }
  function draw() {
    Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displayModeBar: false })
      .then(() => place.on("plotly_click", play));
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
    said.textContent = "This picture is drawn in the built book.";
  });
})();
</script>
"""


class InteractiveScatter:
    """An interactive picture, for pages of the book and for notebooks.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        What to draw.
    sounds : dict of str to str
        MP3 files in base 64 by track id, to be played on a click.
    """

    def __init__(self, figure: Any, sounds: dict[str, str]) -> None:
        self.figure = figure
        self.sounds = sounds

    def __repr__(self) -> str:
        return f"Cloud({len(self.figure.data)} groups, {len(self.sounds)} sounds)"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Offer a page's HTML, and what Jupyter's plotly extension draws."""
        figure = json.loads(self.figure.to_json())
        # No name may end the script that it stands in.
        written = json.dumps(figure, sort_keys=True).replace("<", "\\u003c")
        parts = {
            "NAME": "cloud-" + hashlib.sha256(written.encode()).hexdigest()[:12],
            "HINT": "Hover for names" + ("; click to listen." if self.sounds else "."),
            "FIGURE": written,
            "SOUNDS": json.dumps(self.sounds).replace("<", "\\u003c"),
        }
        page = _PAGE
        for name, text in parts.items():
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
    """Draw every track as a dot that tells its name, and plays where it may be heard.

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2 or 3)]
        Where the windows are; a track is in the middle of its windows.
    windows : pd.DataFrame
        What they are: `track_id` and `genre`.
    corpus : Corpus
        Where artists are known, and sounds are.
    names : sequence of str
        Of the axes.
    groups : np.ndarray [shape=(n,)], optional
        What colours stand for; a track has that of most of its windows.
        Default: the genre.
    seconds : float
        Length of what is played: the beginning of a track of the synthetic
        corpus. Other music belongs to others and is silent.

    Returns
    -------
    InteractiveScatter
        To be shown by a notebook. Three columns of points make a picture that
        can be turned.
    """
    import plotly.graph_objects as go

    frame = pd.DataFrame(points).groupby(windows["track_id"].to_numpy(), sort=False).mean()
    genres = windows.drop_duplicates("track_id").set_index("track_id")["genre"]
    if groups is None:
        group, colors = genres, genre_colors(sorted(genres.unique()))
    else:
        of_windows = pd.Series(groups).groupby(windows["track_id"].to_numpy(), sort=False)
        group = of_windows.agg(lambda one: one.mode().iloc[0])
        kinds = sorted(group.unique())
        colors = dict(zip(kinds, palette(len(kinds)), strict=True))
    artists = pd.Series(corpus.artists_of(frame.index), frame.index)
    figure = go.Figure()
    for name, color in colors.items():
        rows = frame[group == name]
        said = [
            f"<b>{track}</b><br>{genres[track]}"
            + (f"<br>{artists[track]}" if artists[track] != track else "")
            for track in rows.index
        ]
        figure.add_trace(
            _trace(
                go, rows.to_numpy(), str(name), matplotlib.colors.to_hex(color), said, rows.index
            )
        )
    _lay_out(figure, names)
    sounds = {}
    if may_be_heard(corpus):
        # Speech would suffer from so few bits; for telling music apart they are enough.
        sounds = {t: excerpt(corpus, t, seconds=seconds, quality=0.85) for t in frame.index}
    return InteractiveScatter(figure, sounds)


def _trace(
    go: Any, points: np.ndarray, name: str, color: str, said: list[str], tracks: pd.Index
) -> Any:
    flat = points.shape[1] == 2
    kind = go.Scatter if flat else go.Scatter3d
    columns = dict(zip("xyz", np.round(points, 3).T.tolist(), strict=False))
    return kind(
        **columns, mode="markers", name=name, text=said, hoverinfo="text",
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
