"""Which edition of the book is built: the date of its commit, or of its newest source."""

import json
import os
import re
import subprocess
from importlib.metadata import version

from gtzan_lib.runner.extensions.edition import Edition, edition_of, footer, read_edition

DAY = 1_790_000_000  # 21 September 2026


def source(folder):
    file = folder / "page.md"
    file.write_text("# A page\n")
    os.utime(file, (DAY, DAY))
    return file


def test_without_a_checkout_the_date_is_that_of_the_newest_source(tmp_path):
    found = edition_of(tmp_path, [source(tmp_path)])
    assert found == Edition(version("gtzan-lib"), "2026-09-21", "")


def test_in_a_checkout_it_is_that_of_the_commit(tmp_path):
    file = source(tmp_path)
    settings = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    environment = {**os.environ, "GIT_COMMITTER_DATE": "2026-03-04T12:00:00+00:00"}
    for command in (["init", "-q"], ["add", "."], [*settings, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, env=environment)
    found = edition_of(tmp_path, [file])
    assert found.date == "2026-03-04"
    assert re.fullmatch(r"[0-9a-f]{7,}", found.commit)
    # The same again, whenever it is built.
    assert edition_of(tmp_path, []) == found


def test_the_foot_says_version_date_and_commit():
    text = footer(Edition("0.2.0", "2026-03-04", "0123abc"))
    assert re.sub("<[^>]+>", "", text) == "Version 0.2.0, 4 March 2026, commit 0123abc."
    assert '<time datetime="2026-03-04">' in text
    assert "commit" not in footer(Edition("0.2.0", "2026-03-04"))


def test_it_is_read_where_the_book_is_staged(tmp_path):
    assert read_edition(tmp_path) is None
    edition = Edition("0.2.0", "2026-03-04", "0123abc")
    (tmp_path / "edition.json").write_text(json.dumps(edition._asdict()))
    assert read_edition(tmp_path) == edition
