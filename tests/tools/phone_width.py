# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pages of a folder are wider than a phone, as a browser shows them."""

from __future__ import annotations

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# CSS pixels: the narrowest phone that is common.
WIDTH = 375
FRAME = '<iframe width="{width}" height="800" src="{page}"></iframe>'
# A window of Chromium is never as narrow as a phone, so each page is in a frame. What is measured is left in the
# document, which is printed.
HARNESS = """<!DOCTYPE html><body>{frames}<script>
addEventListener("load", () => {{
  const wide = [...document.querySelectorAll("iframe")].map((frame) => [
    new URL(frame.src).pathname.slice(1), frame.contentDocument.documentElement.scrollWidth]);
  document.body.dataset.seen = JSON.stringify(wide);
}});</script></body>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *_parts: object) -> None:
        """Print nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback: a script may not look into a page that was opened as a file."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def widths(folder: Path, pages: Sequence[str]) -> dict[str, int]:
    """Return how wide each page of a folder is on a phone, in CSS pixels. Raises RuntimeError without a browser."""
    browser = shutil.which("chromium")
    if not browser:
        raise RuntimeError("the width of pages is measured by Debian's package chromium, which is not installed")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    with tempfile.TemporaryDirectory() as made, served(folder) as address:
        harness = folder / "phone_width.html"
        frames = "".join(FRAME.format(width=WIDTH, page=page) for page in pages)
        harness.write_text(HARNESS.format(frames=frames))
        command = [browser, *options, f"--user-data-dir={made}", f"{address}/{harness.name}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
        finally:
            harness.unlink()
    seen = re.search(r'data-seen="([^"]+)"', done.stdout)
    if not seen:
        raise RuntimeError("the browser did not load the pages to their end")
    return dict(json.loads(html.unescape(seen[1])))


def too_wide(folder: Path, pages: Sequence[str]) -> list[str]:
    """Return the pages, with their widths, that a reader would have to scroll aside."""
    return [f"{page}: {width} pixels" for page, width in widths(folder, pages).items() if width > WIDTH]


def main() -> int:
    """Look at the index and the pages of docs/ in the site of the folder that is given."""
    folder = Path(sys.argv[1])
    pages = ["index.html", *sorted(path.relative_to(folder).as_posix() for path in folder.glob("docsite/*.html"))]
    try:
        wide = too_wide(folder, pages)
    except RuntimeError as error:
        print(error)
        return 1
    print("\n".join(wide) if wide else f"{len(pages)} pages fit a phone of {WIDTH} pixels")
    return 1 if wide else 0


if __name__ == "__main__":
    sys.exit(main())
