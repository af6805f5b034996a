"""The words of this project: `python -m tests.words` finds those that it gave up.

Two lists: identifiers, which are looked for in code by its syntax tree, and whole
phrases, which are looked for in all prose. Plain English words by themselves are
never on a list of phrases. `make lint` runs this.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

IDENTIFIERS = {
    "AS_IT_IS": "CLEAN",
    "DISTURBANCES": "DEGRADATIONS",
    "Loop": "SkorchNet",
    "Remembered": "FileCache",
    "Rows": "ArrayDataset",
    "Steps": "a callback",
    "Trial": "RobustnessTest",
    "Verdict": "HasExclusions",
    "asked": "model",
    "bands": "n_mels",
    "condemned": "excluded",
    "db_range": "top_db",
    "deciding": "decisive_windows",
    "descriptors": "features",
    "disturbances": "degradations",
    "doubts": "caveats",
    "halves": "harmonic_percussive_players",
    "heard": "recording",
    "hop": "hop_length",
    "in_a_room": "simulate_recording",
    "lasting": "harmonic",
    "rehearsal": "simulation",
    "remember": "cache",
    "said": "prediction",
    "seed_project": "original_project",
    "sick": "corpus_with_faults",
    "standing": "leaderboard",
    "stretched": "min_max_scaled",
    "striking": "percussive",
    "through_a_room": "NoisyRoom",
    "told": "what it holds",
    "trials": "robustness",
    "turned": "rotated",
}
"""Identifiers that are not used, and what is used instead."""

PHRASES = {
    r"seed project": "the original project",
    r"the seed's": "the original project's",
    r"what lasts": "harmonic",
    r"what strikes": "percussive",
    r"condemned tracks?": "excluded tracks",
    r"second guesses": "top-2 accuracy",
    r"how sure it is": "calibration",
    r"told apart\?": "pairwise significance",
    r"who takes what for what": "confusion matrices",
    r"how many there are": "explained variance",
    r"what they follow": "correlation with genre, loudness and tempo",
    r"what is kept": "saved artefacts",
    r"## honestly": "artist-grouped cross-validation",
    r"and watched on": "... validation tracks",
    r"windows were taken away": "windows are removed",
    r"under two milliards": "a number",
    r"would be waited for": "say it plainly",
    r"would search, and chatter": "say it plainly",
    r"has not learnt": "underfitted",
    r"a coin could pass": "chance",
    r"takes? for granted": "requires",
    r"nobody else's numbers": "the global random state",
    r"what it listened to": "saliency",
    r"no one needs an empty": "say it plainly",
    r"a room that is not there": "a simulated recording",
    r"tracks recognised": "track accuracy",
    r"windows recognised": "window accuracy",
    r"on both sides": "shared between training and test part",
    r"had by name": "by name",
}
"""Phrases that are not used, as regular expressions, and what is used instead."""

# This list itself, and what only lists files of others.
_PASSED_OVER = {Path("tests/words.py"), Path("tests/test_words.py"), Path("LICENSE")}


class Finding(NamedTuple):
    """A word that was given up.

    Attributes
    ----------
    place : str
        File and line, or cell.
    word : str
        What stands there.
    instead : str
        What is used instead.
    """

    place: str
    word: str
    instead: str


def identifiers_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of every identifier in Python code."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        for field in ("id", "attr", "arg", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                for part in name.split("."):
                    yield line, part
        if isinstance(node, ast.ImportFrom) and node.module:
            for part in node.module.split("."):
                yield line, part


def phrases_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, phrase and what to write instead; a phrase may run over the end of a line."""
    for pattern, instead in PHRASES.items():
        flexible = pattern.replace(" ", r"[\s#*>]+")
        for match in re.finditer(rf"(?<!\w){flexible}(?!\w)", text, flags=re.IGNORECASE):
            yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), instead


def check_code(source: str, place: str) -> list[Finding]:
    """Return the identifiers that Python code should not use."""
    return [
        Finding(f"{place}:{line}", name, IDENTIFIERS[name])
        for line, name in identifiers_in(source)
        if name in IDENTIFIERS
    ]


def check_prose(text: str, place: str) -> list[Finding]:
    """Return the phrases that a text should not use."""
    return [
        Finding(f"{place}:{line}", phrase, instead) for line, phrase, instead in phrases_in(text)
    ]


def check_file(path: Path, place: str) -> list[Finding]:
    """Return what a file should not use: code, a notebook, or prose."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return check_code(text, place) + check_prose(text, place)
    if path.suffix != ".ipynb":
        return check_prose(text, place)
    findings = []
    for cell in json.loads(text)["cells"]:
        source, where = "".join(cell["source"]), f"{place}[{cell['id']}]"
        if cell["cell_type"] == "code":
            findings += check_code(source, where)
        findings += check_prose(source, where)
    return findings


def files() -> list[Path]:
    """Return all files whose words are ours, relative to the project's root."""
    patterns = ["gtzan_lib/**/*.py", "tests/**/*.py", "benchmarks/*.py", "notebooks/*.ipynb"]
    patterns += ["book/**/*.md", "runs/*.yml", "*.md", "*.yml", "Makefile", "Snakefile"]
    found = {path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(found - _PASSED_OVER)


def main() -> int:
    """Print every word that was given up; return 1 where there is one."""
    findings = [finding for path in files() for finding in check_file(ROOT / path, str(path))]
    for finding in findings:
        print(f"{finding.place}: {finding.word!r}; use {finding.instead!r}.")
    print(f"{len(findings)} words to change in {len(files())} files.")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
