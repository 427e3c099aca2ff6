"""Both languages say everything, and nothing visible is written anywhere else."""

import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

import superhet.report
from superhet.errors import UnknownName
from superhet.report.catalogue import LANGUAGES, Text

ROOM = Path(superhet.report.__file__).parent
SOURCES = [*sorted(ROOM.rglob("*.py")), *sorted((ROOM / "templates").iterdir())]
# words that come from data are looked up by kind; labels whose last part is computed
FROM_DATA = {
    "attribution",
    "part",
    "method",
    "income",
    "said",
    "benchmark",
    "block",
    "convention",
    "cost",
    "entry",
    "group",
    "model",
    "reason",
    "rule",
    "stage",
    "verdict",
    "by",
    "bucket",
    "against",
    "month",
    "severity",
    "activity",
    "period",
    "engine",
    "book",  # the backtest page: every key is asked for when it is made, see test_backtest_pages
    "risk",  # pages of risk models: the same, see test_risk_pages
    "factor",  # pages of factors: every key is asked for when the pages are made, see test_factor_pages
}
OF_FACTORS = ("factor", "board")  # files whose words stand under [factor.…]


def literal_keys():
    found = set()
    for path in SOURCES:
        if path.stem.startswith(OF_FACTORS):
            continue
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"""text\(\s*["']([a-z_]+\.[a-z_0-9]+)["']""", source))
        for kind, name in re.findall(r"""\.(figure|table|section)\(\s*"([a-z_0-9]+)\"""", source):
            found |= {f"section.{name}"} if kind == "section" else {f"card.{name}", f"note.{name}"}
    return found


def test_both_languages_have_the_same_keys():
    english, chinese = (set(Text(language)) for language in LANGUAGES)
    assert english == chinese


def test_both_languages_fill_in_the_same_values():
    english, chinese = (Text(language) for language in LANGUAGES)
    for key in english:
        names = [
            {n for _, n, _, _ in string.Formatter().parse(t[key]) if n} for t in (english, chinese)
        ]
        assert names[0] == names[1], key


def test_every_key_that_the_code_asks_for_exists():
    missing = literal_keys() - set(Text("en"))
    assert not missing


def test_every_label_is_used_somewhere():
    everything = "\n".join(p.read_text(encoding="utf-8") for p in SOURCES)
    asked = literal_keys()
    unused = [
        key
        for key in Text("en")
        if key.split(".")[0] not in FROM_DATA
        and key not in asked
        and not re.search(
            rf"""["'.]{re.escape(key.split(".", 1)[1].split("_meaning")[0])}["']""", everything
        )
        and not key.startswith("meaning.rank_ic_")
    ]
    assert not unused


def test_templates_hold_no_visible_words():
    for path in sorted((ROOM / "templates").iterdir()):
        bare = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        bare = re.sub(r"<(style|script)\b.*?</\1>", "", bare, flags=re.S)
        for attribute in re.findall(r"""(?:title|aria-label|alt|placeholder)="([^"]*)\"""", bare):
            assert not re.search("[A-Za-z]", attribute), (path.name, attribute)
        words = re.sub(r"<[^>]*>", " ", bare)
        assert not re.search(r"[A-Za-z]{2,}", words), path.name


def test_the_script_writes_no_words_of_its_own():
    script = (ROOM / "static" / "report.js").read_text(encoding="utf-8")
    assert "innerHTML" not in script
    assert "innerText" not in script


def test_figures_take_their_words_from_the_catalogue():
    pages = "\n".join(p.read_text(encoding="utf-8") for p in (ROOM / "pages").glob("*.py"))
    assert not re.findall(r"""(?:title|note|label|meaning)=\s*"[A-Za-z]{2,}""", pages)


def test_an_unknown_label_is_an_error_and_an_unknown_word_of_data_is_shown_as_it_is():
    with pytest.raises(UnknownName, match="label"):
        Text("en")("card.no_such_card")
    assert Text("zh").name("reason", "suspended") == "停牌"
    assert Text("zh").name("reason", "on_fire") == "on_fire"


@pytest.mark.parametrize(
    ("key", "term"),
    [
        ("label.super_factor", "超级因子"),
        ("card.drawdown", "回撤"),
        ("metric.max_drawdown", "最大回撤"),
        ("label.turnover", "换手率"),
        ("label.half_life", "半衰期"),
        ("label.ic_win_rate", "IC胜率"),
        ("section.synthesis", "因子合成"),
        ("section.attribution", "归因"),
        ("cost.stamp_duty", "印花税"),
        ("cost.commission", "佣金"),
        ("label.net_exposure", "净敞口"),
        ("card.autocorrelation", "因子自相关"),
    ],
)
def test_chinese_terms_are_those_of_the_glossary(key, term):
    assert Text("zh")(key) == term


def test_the_charting_library_keeps_its_licence():
    assert (
        "Apache License" in files("superhet.report").joinpath("static/LICENSE-echarts").read_text()
    )
