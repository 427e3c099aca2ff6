"""A browser, where the machine has one: what a page says while its figures are drawn."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# one tab after the other: a page draws the figures of the tab that is open
VISIT = """
<script>
const tabs = [...document.querySelectorAll(".page")].map((page) => page.id.slice(5));
const next = () => { if (tabs.length) { location.hash = tabs.shift(); setTimeout(next, 200); } };
next();
</script>
"""


def looked_at(html, folder):
    """Open every tab in a window so tall that all is drawn; give what the console said and what was drawn.

    Returns
    -------
    lines of the console; names of the figures that were drawn
    """
    browser = next((found for name in NAMES if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine, so nobody looks at the page")
    page = folder / "page.html"
    before, end, after = html.rpartition("</body>")
    page.write_text(before + VISIT + end + after, encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
         f"--user-data-dir={folder / 'profile'}", "--window-size=1400,30000",
         "--virtual-time-budget=20000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    drawn = re.findall(r'<div class="chart"[^>]*_echarts_instance_[^>]*>', done.stdout)
    names = {re.search(r'data-figure="([^"]+)"', tag)[1] for tag in drawn}
    return re.findall(r"CONSOLE\S* (.*)", done.stderr), names
