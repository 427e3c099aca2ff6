"""The report is one file that needs nothing else, and its bytes depend on the study alone."""

import json
import re
from html.parser import HTMLParser

import pytest
from browser import looked_at
from report_sample import sample_study

from superhet.report import render_html, write_html

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Strict(HTMLParser):
    """Refuses elements that are not closed in order, and collects ids and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in {"src", "href", "action", "srcset", "data"}:
                self.addresses.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=["en", "zh"])
def html(request):
    return render_html(sample_study(language=request.param))


def parsed(html):
    parser = Strict()
    parser.feed(html)
    assert not parser.open
    return parser


def data_of(html):
    found = re.search(
        r'<script type="application/json" id="report-data">(.*?)</script>', html, re.S
    )
    return json.loads(found[1])


def test_elements_close_in_order_and_ids_are_unique(html):
    ids = parsed(html).ids
    assert len(ids) == len(set(ids))


def test_no_address_leaves_the_file(html):
    parser = parsed(html)
    assert all(a.startswith(("#", "data:")) for a in parser.addresses)
    within = {a[1:] for a in parser.addresses if a.startswith("#")}
    assert all(a in parser.ids or f"page-{a}" in parser.ids for a in within)


def test_scripts_and_styles_ask_nobody_for_anything(html):
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert [s for s in scripts if "echarts=" in s or "echarts" in s[:3000]]
    own = [s for s in scripts if len(s) < 100_000]
    styles = re.findall(r"<style>(.*?)</style>", html, re.S)
    for text in (*own, *styles):
        assert not re.search(r"https?:|//[a-z]|@import|fetch\(|XMLHttpRequest|url\(", text)


def test_every_chart_has_its_option_and_every_option_its_chart(html):
    assert set(re.findall(r'data-figure="([^"]+)"', html)) == set(data_of(html)["figures"])


def test_every_word_of_the_options_is_known_to_the_script(html):
    script = re.findall(r"<script>(.*?)</script>", html, re.S)[-1]
    style = re.findall(r"<style>(.*?)</style>", html, re.S)[0]
    words = {w for w in re.findall(r'"@([^"]+)"', json.dumps(data_of(html)["figures"]))}
    for word in words:
        head = word.split(":")[0]
        assert f'case "{head}"' in script or f"--{head}:" in style or re.fullmatch(r"q\d", head), (
            word
        )
    axes = {w.split(":")[1] for w in words if w.startswith("axis:")}
    assert axes <= set(data_of(html)["axes"])


def test_series_on_a_shared_axis_are_as_long_as_the_axis(html):
    data = data_of(html)
    for name, option in data["figures"].items():
        axis = option["xAxis"].get("data", "")
        if isinstance(axis, str) and axis.startswith("@axis:"):
            length = len(data["axes"][axis.split(":")[1]])
            for series in option["series"]:
                assert len(series["data"]) == length, name


def test_the_same_study_gives_the_same_bytes_and_no_half_written_file(tmp_path):
    study = sample_study(language="zh")
    first = write_html(study, tmp_path / "a.html").read_bytes()
    second = write_html(sample_study(language="zh"), tmp_path / "b.html").read_bytes()
    assert first == second
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_rising_is_red_in_chinese_and_green_in_english():
    assert 'data-habit="red-up"' in render_html(sample_study(language="zh"))
    assert 'data-habit="green-up"' in render_html(sample_study(language="en"))


def test_names_from_the_configuration_cannot_become_markup():
    html = render_html(sample_study(name="<script>alert(1)</script>", warnings=["<b>bold</b>"]))
    assert "<script>alert(1)" not in html
    assert "<b>bold</b>" not in html
    parsed(html)


def test_a_browser_draws_every_figure(html, tmp_path):
    said, drawn = looked_at(html, tmp_path)
    assert said == []
    assert drawn == set(data_of(html)["figures"])
