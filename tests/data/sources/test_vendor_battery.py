"""The battery of vendors: over all that we ship, over a stranger's, and over some that deserve to fail."""

from __future__ import annotations

import json
import textwrap
from datetime import date, datetime, timedelta

import polars as pl
import pytest
import typer
from sources import fake_akshare, made_up_vendor, test_vnpy_db, test_yfinance
from sources.baostock_market import market as baostock_market
from sources.fake_tushare import TOKEN
from sources.made_up_vendor import SHARES, Script, vendor
from sources.tushare_market import market as tushare_market
from typer.testing import CliRunner

from superhet.cli.data_pull import register
from superhet.data.sources.vendor import Access, PullRequest, Unit, Universe, find_vendor
from superhet.data.store import Store
from superhet.errors import VendorError
from superhet.testing.checks.vendor import check_vendor, check_vendor_faults


def wish(universe, *tables, start=date(2020, 1, 2), end=date(2020, 1, 31), today=date(2022, 1, 4)):
    return PullRequest(
        universe=Universe.parse(universe), start=start, end=end, today=today, tables=tables
    )


def of_all(name):
    """Give the tables of a vendor: the few that differ in kind, and all of them as the long form."""
    few = ("calendar", "bars_1d", "index_members", "adjust_factors")
    return pytest.mark.parametrize(
        "tables",
        [few, pytest.param(find_vendor(name).tables, marks=pytest.mark.slow)],
        ids=["few", "all"],
    )


@of_all("baostock")
def test_baostock_keeps_the_protocol(tmp_path, tables):
    pytest.importorskip("baostock")
    days = {"start": date(2019, 1, 2), "end": date(2019, 1, 31)}
    request = wish("000001.SZ,600000.SH", *tables, **days)
    with baostock_market() as fake:
        check_vendor(find_vendor("baostock"), request, tmp_path, access=Access(server=fake.address))


@of_all("tushare")
def test_tushare_keeps_the_protocol(tmp_path, tables):
    pytest.importorskip("tushare")
    request = wish("000001.SZ,600000.SH", *tables)
    with tushare_market() as fake:
        access = Access(server=fake.address, token=TOKEN)
        check_vendor(find_vendor("tushare"), request, tmp_path, access=access)


@of_all("akshare")
def test_akshare_keeps_the_protocol(tmp_path, monkeypatch, tables):
    fake_akshare.install(monkeypatch)
    request = wish("000001.SZ,600000.SH", *tables)
    check_vendor(find_vendor("akshare"), request, tmp_path)


def test_yfinance_keeps_the_protocol(tmp_path, monkeypatch):
    test_yfinance.install(monkeypatch)
    request = wish("AAPL,MSFT", start=date(2020, 8, 27), end=date(2020, 9, 1))
    check_vendor(find_vendor("yfinance"), request, tmp_path, unknown="GONE")


def test_vnpy_db_keeps_the_protocol(tmp_path):
    days = [datetime(2020, 1, 2) + timedelta(days=k) for k in range(5)]
    bars = [test_vnpy_db.bar("600000", "SSE", day, "d") for day in days]
    path = test_vnpy_db.database(tmp_path / "database.db", bars + test_vnpy_db.minutes())
    check_vendor(find_vendor("vnpy_db"), wish("600000.SH"), tmp_path, access=Access(path=path))


def test_the_simulated_vendor_keeps_the_protocol(tmp_path, monkeypatch):
    monkeypatch.setattr("superhet.data.sources.vendor_simulated._ASSETS", 12)
    request = wish("000001.SZ", end=date(2020, 5, 29))
    check_vendor(find_vendor("simulated"), request, tmp_path)


@pytest.mark.parametrize("name", ["baostock", "tushare"])
def test_a_dead_line_is_an_error_of_the_vendors(name):
    pytest.importorskip(name)
    server = "127.0.0.1:9" if name == "baostock" else "http://127.0.0.1:9/dataapi"
    access = Access(server=server, token="a-secret", timeout=10.0)
    check_vendor_faults(find_vendor(name), wish("600000.SH", "bars_1d"), access=access)


@pytest.mark.parametrize("error", [ConnectionError("reset"), ValueError("Length mismatch")])
def test_a_page_that_fails_is_an_error_of_the_vendors(monkeypatch, error):
    def broken(*_, **__):
        raise error

    names = [n for n in dir(fake_akshare) if n.startswith(("stock_", "macro_", "index_", "tool_"))]
    fake_akshare.install(monkeypatch, **dict.fromkeys(names, broken))
    check_vendor_faults(find_vendor("akshare"), wish("600000.SH", "calendar", "macro", "industry"))
    check_vendor_faults(find_vendor("akshare"), wish("600000.SH", "bars_1d"))
    test_yfinance.install(monkeypatch, broken)
    check_vendor_faults(find_vendor("yfinance"), wish("AAPL"))


def test_a_file_that_is_cut_off_is_an_error_of_the_file(tmp_path):
    bars = [test_vnpy_db.bar("600000", "SSE", datetime(2020, 1, 2, 4), "d")]
    path = test_vnpy_db.database(tmp_path / "database.db", bars)
    check_vendor_faults(
        find_vendor("vnpy_db"), wish("600000.SH", "bars_1d"), access=Access(path=path)
    )
    path.write_bytes(path.read_bytes()[:50])
    check_vendor_faults(
        find_vendor("vnpy_db"), wish("600000.SH", "bars_1d"), access=Access(path=path)
    )


PLAN, FETCH, ROWS = "plan", "fetch", "rows"


def spoilt(what, change):
    """Make the made-up vendor, with one of its methods changed."""

    def open_(self, access):
        session = honest.open(self, access)
        if what == PLAN:
            plan = session.plan
            session.plan = lambda request: change(plan(request), request)
        else:
            fetch = session.fetch
            session.fetch = lambda unit: change(fetch(unit), unit)
        return session

    honest = knowing(vendor(Script()))
    return type("Spoilt", (honest,), {"open": open_})


def knowing(honest):
    """Let the made-up vendor say which names it does not know."""

    def open_(self, access):
        session = honest.open(self, access)
        fetch = session.fetch

        def known(unit):
            if unit.scope and unit.scope not in SHARES:
                raise VendorError("made_up", unit.query, f"{unit.scope} is not known")
            return fetch(unit)

        session.fetch = known
        return session

    return type("Knowing", (honest,), {"open": open_})


def frame_of(answer, change):
    return type(answer)(frames={t: change(f) for t, f in answer.frames.items()})


def later(unit, days=1):
    return Unit(**{**vars(unit), "end": unit.end + timedelta(days=days)})


MINUTE = [0]


def drifting(answer, unit):
    MINUTE[0] += 1
    return frame_of(answer, lambda f: f.with_columns(volume=pl.lit(float(MINUTE[0]))))


@pytest.mark.parametrize(
    ("what", "change", "reason"),
    [
        (PLAN, lambda units, request: units[::-1], "does not ask for the assets in order"),
        (PLAN, lambda units, request: [*units, units[0]], "two questions have one key"),
        (PLAN, lambda units, request: [later(u) for u in units], "goes beyond 2020-01-31"),
        (PLAN, lambda units, request: [], "nothing is asked"),
        (FETCH, lambda a, u: frame_of(a, lambda f: f.with_columns(close=pl.lit(-1.0))), "positive price"),
        (FETCH, lambda a, u: frame_of(a, lambda f: f.drop("close")), "breaks the schema"),
        (FETCH, lambda a, u: frame_of(a, lambda f: pl.concat([f, f])), "second time"),
        (FETCH, lambda a, u: frame_of(a, lambda f: f.with_columns(asset=pl.lit("A"))), "of A, whom"),
        (FETCH, lambda a, u: frame_of(a, lambda f: f.with_columns(date=pl.col("date") + timedelta(3))),
         "after its last day"),
        (FETCH, lambda a, u: frame_of(a, lambda f: f.with_columns(date=pl.col("date") - timedelta(3))),
         "before its first day"),
        (FETCH, lambda a, u: frame_of(a, lambda f: f.with_columns(amount=pl.col("volume") / 10)),
         "shares and currency give 1"),
        (FETCH, drifting, "gave other rows the second time"),
    ],
)  # fmt: skip
def test_a_vendor_that_breaks_the_protocol_is_told_how(tmp_path, what, change, reason):
    with pytest.raises(AssertionError, match=reason):
        check_vendor(spoilt(what, change), wish("000001.SZ,600000.SH"), tmp_path)


def test_the_made_up_vendor_passes_once_it_names_whom_it_does_not_know(tmp_path):
    check_vendor(knowing(vendor(Script())), wish("000001.SZ,600000.SH"), tmp_path / "1")
    with pytest.raises(AssertionError, match=r"999998\.SH, whom nobody knows, is not named"):
        check_vendor(vendor(Script()), wish("000001.SZ,600000.SH"), tmp_path / "2")


def test_errors_of_another_kind_are_not_let_through():
    faulty = vendor(Script(fault=lambda unit: KeyError("close")))
    with pytest.raises(AssertionError, match="KeyError came out"):
        check_vendor_faults(faulty, wish("600000.SH"))
    with pytest.raises(AssertionError, match="nothing went wrong"):
        check_vendor_faults(vendor(Script()), wish("600000.SH"))
    nameless = vendor(Script(fault=lambda unit: VendorError("made_up", "", "closed")))
    with pytest.raises(AssertionError, match="does not name the function"):
        check_vendor_faults(nameless, wish("600000.SH"))
    talkative = vendor(Script(fault=lambda unit: VendorError("made_up", "q", "bad token s3cret")))
    with pytest.raises(AssertionError, match="the token is shown"):
        check_vendor_faults(talkative, wish("600000.SH"), access=Access(token="s3cret"))


def installed(folder, monkeypatch):
    """Lay out a package of somebody else's, as pip would, whose entry point is a module with a vendor."""
    module = f"""
        import sys
        sys.path.insert(0, {str(made_up_vendor.__file__).rpartition("/sources/")[0]!r})
        from sources.made_up_vendor import Script, vendor
        from superhet.data.sources.vendor import VENDORS

        Stranger = VENDORS.add("stranger")(vendor(Script()))
        Stranger.name = "stranger"
    """
    (folder / "stranger_vendor.py").write_text(textwrap.dedent(module))
    facts = folder / "stranger_vendor-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger-vendor\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[superhet.plugins]\nstranger = stranger_vendor\n")
    monkeypatch.syspath_prepend(str(folder))


def test_a_strangers_vendor_is_pulled_by_its_name(tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    installed(site, monkeypatch)
    app = typer.Typer()
    register(app)
    ended = CliRunner().invoke(
        app,
        ["pull", "stranger", "--universe", "600000.SH", "--start", "2020-01-02", "--end", "2020-01-31",
         "--store", str(tmp_path / "store"), "--json", "-q"],
    )  # fmt: skip
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["rows"] == {"bars_1d": 22}
    assert len(Store.open(tmp_path / "store").read("bars_1d")) == 22
