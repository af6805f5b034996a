"""The ten genres of GTZAN."""

__all__ = ["GENRES"]

GENRES = (
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
)
"""Names of GTZAN's genres, in alphabetical order."""
