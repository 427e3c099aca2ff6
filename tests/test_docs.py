"""The documents: what they say can be done can be done, and what they link to is there."""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.main import get_command

from superhet.cli.main import app
from superhet.data import import_files
from superhet.data.ingest import ColumnMap
from superhet.pipeline.config import load_config, parse_config
from superhet.testing.studies import tiny_study

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)]
)
GUIDES = [p for p in PAGES if "```python" in p.read_text(encoding="utf-8")]
STUDIES = sorted((ROOT / "examples").glob("*.yaml"))
MAPS = sorted((ROOT / "examples" / "maps").glob("*.yaml"))
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def _prose(path: Path) -> str:
    return re.sub(
        r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def _levels(path: Path) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", _prose(path), flags=re.MULTILINE)]


def _commands(path: Path) -> list[str]:
    return re.findall(r"^superhet .*$", "\n".join(_blocks(path, "")), flags=re.MULTILINE)


def _slug(heading: str) -> str:
    plain = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
    return plain.strip().replace(" ", "-")


@pytest.mark.parametrize(
    ("english", "chinese"),
    [("README.md", "README.zh-CN.md"), ("docs/start.md", "docs/zh/start.md")],
)
def test_english_and_chinese_have_the_same_headings_and_commands(english, chinese):
    assert _levels(ROOT / english) == _levels(ROOT / chinese)
    assert _commands(ROOT / english) == _commands(ROOT / chinese)
    assert _blocks(ROOT / english, "python") == _blocks(ROOT / chinese, "python")


@pytest.mark.parametrize("path", STUDIES, ids=_name)
def test_every_study_of_the_examples_is_a_configuration(path):
    assert load_config(path).name == path.stem


@pytest.mark.parametrize("path", MAPS, ids=_name)
def test_every_map_of_the_examples_is_a_column_map(path):
    assert ColumnMap.from_yaml(path).tables


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_yaml_block_is_a_map_or_part_of_a_study(path):
    for block in _blocks(path, "yaml"):
        content = yaml.safe_load(block)
        if "tables" in content:
            assert ColumnMap.from_dict(content).tables
        else:
            market = {"store": "stores/mine", **content.get("market", {})}
            parse_config({**tiny_study("stores/mine"), **content, "market": market})


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_command_exists_with_its_options(path):
    shell = re.findall(r"^(superhet [^#\n]*)", "\n".join(_blocks(path, "")), flags=re.MULTILINE)
    for line in shell + re.findall(r"`(superhet [^`]*)`", _prose(path)):
        words = re.sub(r"\"[^\"]*\"|'[^']*'", "X", line).split()[1:]
        command = get_command(app)
        while words and hasattr(command, "commands"):
            names = words.pop(0).strip(".,").split("|")
            assert set(names) <= set(command.commands), f"{path.name}: {line}"
            command = command.commands[names[0]]
        known = {option for part in command.params for option in part.opts}
        given = {w for w in words if re.fullmatch(r"--[a-z]+", w)}
        assert given <= known, f"{path.name}: {line}"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_relative_link_resolves(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(path)):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = path if not file else (path.parent / file).resolve()
        assert found.exists(), f"{path.name} links to {target}"
        if anchor:
            text = found.read_text(encoding="utf-8")
            headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
            named = re.findall(r"^\(([\w-]+)\)=$", text, flags=re.MULTILINE)
            assert anchor in {*map(_slug, headings), *named}, f"{path.name} links to {target}"


def test_chinese_guide_names_keys_that_exist():
    rooms = ("data", "preprocess", "synthesis", "portfolio", "backtest", "pipeline", "factors")
    files = [f for room in rooms for f in (ROOT / "src/superhet" / room).rglob("*.py")]
    known = set(re.findall(r"\w+", "\n".join(f.read_text(encoding="utf-8") for f in files)))
    rows = re.findall(r"^\| (`[^|]*) \|", _prose(ROOT / "docs/zh/guide.md"), flags=re.MULTILINE)
    words = {word for row in rows for word in re.findall(r"`(\w+[a-z0-9])`", row)}
    assert len(words) > 40
    assert words <= known


@pytest.mark.parametrize("name", ["docs/start.md", "docs/zh/start.md"])
def test_the_map_of_the_start_page_reads_the_files_it_describes(name, tmp_path):
    column_map = tmp_path / "map.yaml"
    column_map.write_text(next(b for b in _blocks(ROOT / name, "yaml") if "tables:" in b), "utf-8")
    _write(
        tmp_path / "daily.csv",
        "日期,代码,开盘,最高,最低,收盘,成交量(手),成交额(千元),复权因子,流通股本(万股)",
        "20180102,SZ000001,6.91,7.13,6.78,7.04,10.0,7.05,1.0,50000.0",
    )
    _write(tmp_path / "securities.csv", "代码,上市日期,退市日期", "1,1991-04-03,")
    _write(tmp_path / "industry.csv", "代码,申万一级,计入日期", "1,银行,2014-01-01")
    _write(
        tmp_path / "statements.csv",
        "代码,报告期,公告日,净利润,净资产",
        "000001,2017-09-30,2017-10-20,1000000.0,20000000.0",
    )
    report = import_files(tmp_path, tmp_path / "store", column_map)
    assert [t.written for t in report.tables] == [1, 1, 1, 1]
    bar = pl.read_parquet(next((tmp_path / "store").rglob("bars_1d/*.parquet"))).row(0, named=True)
    assert bar["asset"] == "000001.SZ"
    assert (bar["volume"], bar["amount"], bar["float_shares"]) == (1000.0, 7050.0, 5e8)


def _write(path: Path, *lines: str) -> None:
    path.write_bytes("\n".join(lines).encode("gb18030"))


@pytest.fixture
def workplace(tiny_store, tmp_path, monkeypatch):
    """A folder with the store that the pages and examples open."""
    (tmp_path / "stores").mkdir()
    os.symlink(tiny_store.path, tmp_path / "stores" / "quickstart")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", GUIDES, ids=_name)
def test_every_python_block_runs(path, workplace):
    for number, block in enumerate(_blocks(path, "python")):
        script = workplace / f"block_{number}.py"
        script.write_text(block, encoding="utf-8")
        runpy.run_path(str(script))


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_every_example_runs(path, workplace, capsys):
    runpy.run_path(str(path))
    assert "RankIC" in capsys.readouterr().out.replace("rank IC", "RankIC")
