"""Opens pages in a browser without a window, where there is one."""

import base64
import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def program():
    """Return the browser's path; skip the test without one, or fail where one is required."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        missing = f"no browser here: install one of {', '.join(NAMES)}"
        if os.environ.get("GTZAN_REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return browser


@contextlib.contextmanager
def served(folder):
    """Serve a folder, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def opened(folder, page, *, seconds=60):
    """Serve a folder, open one of its pages, and return its DOM and its console's errors.

    The page has `seconds` of the browser's own clock, which runs faster, for its scripts.
    """
    options = (
        "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
        f"--virtual-time-budget={1000 * seconds}", "--dump-dom",
    )  # fmt: skip
    with served(folder) as address:
        result = subprocess.run(
            [program(), *options, f"{address}/{page}"],
            capture_output=True,
            text=True,
            timeout=300,
        )
    lines = re.findall(r":CONSOLE(?::|\()\d+\)?\] (.*)", result.stderr)
    return result.stdout, [line for line in lines if "Uncaught" in line or "Failed" in line]


# Keys by their names: code of the key, and the text that it types.
KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    " ": (32, " "),
    "End": (35, ""),
    "Home": (36, ""),
    "ArrowLeft": (37, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}


class Tab:
    """A page in a browser, driven through the browser's own protocol; use it as a context.

    `options` are further options of the browser's command line. There is no network, unless
    the tab is `online`, and then no other machine.
    """

    def __init__(self, *options, width=1400, height=900, dark=False, online=False):
        self.errors, self._answers, self._rest, self._number = [], {}, b"", 0
        self._events = []
        self._folder = tempfile.TemporaryDirectory(prefix="browser", ignore_cleanup_errors=True)
        receive, self._out = os.pipe()
        self._in, send = os.pipe()

        def place():
            # The browser reads from descriptor 3 and writes to 4.
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (receive, send)]
            for end, number in zip(ends, (3, 4), strict=True):
                os.dup2(end, number)

        command = (
            program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio",
            "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={self._folder.name}", *options, "about:blank",
        )  # fmt: skip
        self._process = subprocess.Popen(
            command, close_fds=False, preexec_fn=place, stderr=subprocess.DEVNULL
        )
        os.close(receive)
        os.close(send)
        self._session = None
        (target,) = (
            one for one in self.send("Target.getTargets")["targetInfos"] if one["type"] == "page"
        )
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM", "Network"):
            self.send(f"{domain}.enable")
        self.send("Network.emulateNetworkConditions", offline=not online, latency=0,
                  downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        self.look(width, height, dark=dark)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.send("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def send(self, method, **parameters):
        """Send a command, and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while self._number not in self._answers:
            self._receive(deadline - time.monotonic())
        answer = self._answers.pop(self._number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _receive(self, seconds):
        ready, _, _ = select.select([self._in], [], [], max(0, seconds))
        content = os.read(self._in, 1 << 20) if ready else b""
        if not content:
            raise OSError("the browser does not answer")
        *messages, self._rest = (self._rest + content).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self._note(message["method"], message.get("params", {}))

    def _note(self, event, values):
        self._events.append(event)
        if event == "Runtime.exceptionThrown":
            details = values["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Log.entryAdded" and values["entry"]["level"] == "error":
            entry = values["entry"]
            self.errors.append(f"{entry['text']} {entry.get('url', '')}")
        elif event == "Runtime.consoleAPICalled" and values["type"] == "error":
            self.errors.append(" ".join(str(one.get("value")) for one in values["args"]))

    def look(self, width, height, *, dark=False, still=False):
        """Set the size of the page, the preferred theme, and whether motion is to be reduced."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", features=features)

    def open(self, address):
        """Open an address, or a file, and wait until it is loaded."""
        address = address.as_uri() if isinstance(address, Path) else address
        self._events.clear()
        self.send("Page.navigate", url=address)
        deadline = time.monotonic() + 60
        while "Page.loadEventFired" not in self._events:
            self._receive(deadline - time.monotonic())

    def run(self, script):
        """Return the value of an expression, or of what it promises."""
        result = self.send("Runtime.evaluate", expression=script, awaitPromise=True,
                           returnByValue=True, userGesture=True)  # fmt: skip
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, script, *, seconds=30):
        """Wait until an expression is true, and return its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, f"not so after {seconds} s: {script}"
            time.sleep(0.02)
        return value

    def choose(self, path):
        """Choose a file in the page's file input."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector="input[type=file]")["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def press(self, key):
        """Press a key."""
        code, text = KEYS[key]
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, **typed)  # fmt: skip

    def click(self, selector):
        """Click in the middle of an element, as a mouse does."""
        x, y = self.run(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drop(self, path, selector):
        """Drop a file on an element."""
        x, y = self.run(f"""(() => {{
            const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
            return [box.x + box.width / 2, box.y + Math.min(box.height / 2, 100)];
        }})()""")
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def picture(self, path, *, whole=False):
        """Write a picture of what is seen, or of the whole page, as PNG."""
        result = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(result["data"]))
