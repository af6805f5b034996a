"""Opens pages in a browser without a window, where there is one."""

import os
import re
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def opened(folder, page, *, seconds=60):
    """Serve a folder, open one of its pages, and return its DOM and its console's errors.

    The page has `seconds` of the browser's own clock, which runs faster, for its scripts.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        missing = f"no browser here: install one of {', '.join(NAMES)}"
        if os.environ.get("GTZAN_REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = (
        "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
        f"--virtual-time-budget={1000 * seconds}", "--dump-dom",
    )  # fmt: skip
    try:
        result = subprocess.run(
            [browser, *options, f"http://127.0.0.1:{server.server_port}/{page}"],
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        server.shutdown()
        server.server_close()
    lines = re.findall(r":CONSOLE(?::|\()\d+\)?\] (.*)", result.stderr)
    return result.stdout, [line for line in lines if "Uncaught" in line or "Failed" in line]
