"""The machine's own Chromium, a page that was opened in it, and markup that sings where it gets to run."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CANARY = "window.canary=(window.canary||0)+1"
PAYLOADS = [
    f"<script>{CANARY}</script>",
    f"</script><script>{CANARY}</script>",
    f"</style></title></textarea><script>{CANARY}</script>",
    f"<img src=x onerror={CANARY}>",
    f"<svg onload={CANARY}><animate onbegin={CANARY} attributeName=x dur=1s></svg>",
    f"<svg><use href=\"data:image/svg+xml,<svg id='x' onload='{CANARY}'/>#x\"></svg>",
    f'" onfocus="{CANARY}" autofocus tabindex="1" x="',
    f"' onmouseover='{CANARY}' x='",
    f"javascript:{CANARY}",
    f'<a href="javascript:{CANARY}">x</a><iframe srcdoc="<script>parent.{CANARY}</script>">',
    f'<meta http-equiv="refresh" content="0;url=javascript:{CANARY}">',
    "{{7*7}}{{ self.__init__.__globals__ }}",
    "<base href=http://127.0.0.1:9/><link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "<style>@import 'http://127.0.0.1:9/x.css'; body{display:none}</style>",
    "\u202egnp.exe\u2066 \x00 \ufffe \ud800 \x1b[31m",
]


COLOURS = """async (png) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  return new Set(new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer)).size;
}"""
"""How many colours a picture has."""


@contextlib.contextmanager
def chromium():
    """The machine's own Chromium. A pipeline that has none has not looked, so there it is red."""
    path = next((found for found in map(shutil.which, NAMES) if found), None)
    if path is None:
        missing = f"no browser: none of {', '.join(NAMES)} is installed"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page that was opened, and everything that it did."""

    def __init__(self, tab, path):
        self.tab, self.path = tab, path
        self.requests, self.said, self.dialogs = [], [], []
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        tab.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        tab.goto(path.as_uri())

    def did_nothing_but_show(self):
        assert self.requests == [self.path.as_uri()]
        assert self.said == []
        assert self.dialogs == []
        assert self.tab.evaluate("window.canary") is None

    def shot(self, name):
        """Take a screenshot, which must show something: text alone has dozens of shades."""
        taken = self.tab.screenshot(path=self.path.with_name(f"{name}.png"), full_page=True)
        counter = self.tab.context.new_page()
        colours = counter.evaluate(COLOURS, base64.b64encode(taken).decode())
        counter.close()
        assert colours > 50, "it is blank"
