"""`superhet data pull` and `superhet data doctor` as a user meets them: exit codes, secrets, interrupts."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

import pytest
import typer
from refused import assert_refused
from sources.baostock_market import market as baostock_market
from sources.fake_tushare import TOKEN
from sources.tushare_market import market as tushare_market
from typer.testing import CliRunner

from superhet.cli.data_pull import register
from superhet.data.store import Store

app = typer.Typer()
register(app)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(*arguments, env=None):
    done = CliRunner().invoke(app, [str(a) for a in arguments], env=env)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


def baostock(fake, store, *more):
    return run(
        "pull", "baostock", "--universe", "600000.SH", "--start", "2019-01-02", "--end", "2019-01-31",
        "--store", store, "--server", fake.address, "--tables", "bars_1d,calendar", "--json", *more,
    )  # fmt: skip


def test_a_pull_fills_the_store_and_a_second_one_finds_nothing_to_do(tmp_path):
    with baostock_market() as fake:
        first = baostock(fake, tmp_path / "store")
        second = baostock(fake, tmp_path / "store")
    report = json.loads(first.out)
    assert (first.code, report["ok"], report["rows"]["bars_1d"]) == (0, True, 22)
    assert report["snapshot"] == Store.open(tmp_path / "store").snapshot
    again = json.loads(second.out)
    assert (again["known"], again["done"]) == (2, 0)


def test_a_pull_fills_a_store_at_a_url_and_goes_on_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = f"memory://{uuid.uuid4().hex}/store"
    with baostock_market() as fake:
        first = baostock(fake, home)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other machine"))
        second = baostock(fake, home)
    assert (first.code, json.loads(first.out)["rows"]["bars_1d"]) == (0, 22)
    assert json.loads(second.out)["done"] == 0
    assert len(Store.open(home).read("bars_1d")) == 22


def test_a_failure_is_in_the_report_and_ends_with_exit_code_1(tmp_path):
    with baostock_market(faults={("query_history_k_data_plus", 0): "code 10004011"}) as fake:
        ended = baostock(fake, tmp_path / "store", "-q")
    report = json.loads(ended.out)
    assert (ended.code, report["ok"], report["done"]) == (1, False, 1)
    assert "it does not know this code" in next(iter(report["failed"].values()))


def test_the_report_for_a_person_names_the_failures(tmp_path):
    with baostock_market(faults={("query_history_k_data_plus", 0): "code 10004011"}) as fake:
        ended = run(
            "pull", "baostock", "--universe", "600000.SH", "--start", "2019-01-02", "--end", "2019-01-31",
            "--store", tmp_path / "store", "--server", fake.address, "--tables", "bars_1d",
        )  # fmt: skip
    assert "1 questions, 0 answered before, 0 now (0 of them empty), 1 failed" in ended.out
    assert "failed: query_history_k_data_plus 600000.SH" in ended.out
    assert "baostock: query_history_k_data_plus" in ended.err  # progress


def test_an_interrupt_says_that_the_same_command_goes_on(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("superhet.data.pulling.pull", interrupted)
    ended = run("pull", "simulated", "--start", "2019-01-02", "--store", tmp_path / "store", "-q")
    assert ended.code == 130
    assert "The same command goes on from here" in ended.err


def tushare(fake, tmp_path, *more, env=None):
    return run(
        "pull", "tushare", "--universe", "600000.SH", "--start", "2020-01-02", "--end", "2020-01-31",
        "--store", tmp_path / "store", "--server", fake.address, "--tables", "bars_1d",
        "--rate", "100000", *more, env=env,
    )  # fmt: skip


@pytest.mark.parametrize("by", ["file", "environment"])
def test_a_token_comes_from_a_file_or_the_environment(tmp_path, by):
    file = tmp_path / "token.txt"
    file.write_text(f"{TOKEN}\n")
    with tushare_market() as fake:
        if by == "file":
            ended = tushare(fake, tmp_path, "--token-file", file, env={"TUSHARE_TOKEN": ""})
        else:
            ended = tushare(fake, tmp_path, env={"TUSHARE_TOKEN": TOKEN})
    assert ended.code == 0, ended
    written = b"".join(p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file())
    assert TOKEN not in ended.out + ended.err
    assert TOKEN.encode() not in written


def test_a_wrong_token_is_refused_without_being_shown(tmp_path):
    with tushare_market() as fake:
        ended = tushare(fake, tmp_path, "-q", env={"TUSHARE_TOKEN": "wrongsecret"})
        with pytest.raises(Exception, match="token is wrong") as caught:
            tushare(fake, tmp_path, "-q", "--debug", env={"TUSHARE_TOKEN": "wrongsecret"})
    assert_refused(ended, "tushare: the token is wrong")
    assert "wrongsecret" not in ended.err
    assert "wrongsecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["baostok", "--start", "2019-01-02"], "unknown vendor 'baostok'; did you mean 'baostock'"),
        (["baostock", "--start", "02.01.2019"], "--start: '02.01.2019' is no day"),
        (["baostock", "--start", "2019-01-02", "--end", "2018-01-02"], "is before --start"),
        (["baostock", "--start", "2019-01-02", "--universe", "sh600000"], "is no code of an asset"),
        (
            ["baostock", "--start", "2019-01-02", "--tables", "bars"],
            "unknown table of baostock 'bars'",
        ),
        (["tushare", "--start", "2019-01-02"], "--token-file: tushare needs a token"),
        (["vnpy_db", "--start", "2019-01-02"], "--path: vnpy_db reads a file"),
        (
            ["tushare", "--start", "2019-01-02", "--token-file", "none.txt"],
            "none.txt cannot be read as text",
        ),
    ],
)
def test_what_is_wrong_in_a_command_is_named_before_anything_is_asked(tmp_path, arguments, message):
    ended = run("pull", *arguments, "--store", tmp_path / "store", "-q", env={"TUSHARE_TOKEN": ""})
    assert_refused(ended, message)
    assert not (tmp_path / "store").exists()


def test_the_doctor_prints_a_table_and_ends_with_1_where_a_query_fails():
    with baostock_market() as fake:
        well = run("doctor", "baostock", "--server", fake.address, "--tables", "calendar", "-q")
    assert (well.code, well.err) == (0, "")
    assert "ok   calendar" in well.out
    ill = run("doctor", "baostock", "--server", "127.0.0.1:9", "--timeout", "10", "--json", "-q")
    found = json.loads(ill.out)
    assert (ill.code, found["ok"]) == (1, False)
    assert "Connection refused" in found["login"]
