"""The battery of vendors: what whoever is asked for data must do, ours or a stranger's.

1. it says what it is: tables of the schema, the usual ones among them, a pace, a sample  -> _describes_itself
2. the same wish gives the same questions in the same order, none of them twice          -> _plans_alike
3. no question lies outside the wished tables and days                                   -> _keeps_to_the_wish
4. every answer keeps the schema, and stays within its question and the wished assets    -> _answers
5. asked again over another line, the same rows come                                     -> _answers_alike
6. a name that nobody has is named, in an error or in the report                         -> _names_the_unknown
7. a pull that was interrupted goes on, and asks nothing twice                           -> _goes_on

What a vendor says when it does not deliver has a battery of its own: `check_vendor_faults`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from superhet.data.checking import check_frame
from superhet.data.pulling import Patience, pull
from superhet.data.schema import TABLES, table_spec
from superhet.data.sources.vendor import (
    Access,
    Answer,
    PullRequest,
    Session,
    Unit,
    Universe,
    Vendor,
    chosen_tables,
)
from superhet.data.store import Store
from superhet.errors import DataError, SuperhetError, VendorError, VendorRefused

if TYPE_CHECKING:
    import polars as pl

_NOT_BY_ASSET = {"securities", "status", "industry", "index_members", "index_weights"}
"""Tables that may come whole, whoever is wished for."""

_HURRY = Patience(tries=2, sleep=lambda seconds: None)


def check_vendor(
    vendor: type[Vendor],
    request: PullRequest,
    folder: Path,
    *,
    access: Access | None = None,
    unknown: str = "999998.SH",
) -> None:
    """Run the whole battery; raises AssertionError with the reason at the first failure.

    Every question is asked three times, so make the wish a small one, or the vendor a stand-in.

    Parameters
    ----------
    vendor : its class
    request : tables, days and named assets that the vendor has; no tables means its usual ones
    folder : an empty folder, for the stores of the pulls
    access : how it is reached; None for a vendor that needs nothing
    unknown : a code of an asset that the vendor does not have

    Examples
    --------
    >>> from datetime import date
    >>> from tempfile import TemporaryDirectory
    >>> from superhet.data.sources.vendor import find_vendor
    >>> days = {"start": date(2020, 1, 2), "end": date(2020, 3, 31), "today": date(2021, 1, 4)}
    >>> wish = PullRequest(universe=Universe(), tables=("calendar", "index_bars"), **days)
    >>> with TemporaryDirectory() as folder:
    ...     check_vendor(find_vendor("simulated"), wish, Path(folder))
    """
    access = access or Access()
    _describes_itself(vendor)
    request = replace(request, tables=chosen_tables(vendor, request.tables))
    with _opened(vendor, access) as session:
        units = session.plan(request)
        assert units, "nothing is asked for the wish"
        _plans_alike(vendor, access, request, units)
        _keeps_to_the_wish(units, request)
        first = [_answers(session, unit, request) for unit in units]
    _answers_alike(vendor, access, request, first)
    _names_the_unknown(vendor, access, request, unknown, folder / "unknown")
    _goes_on(vendor, access, request, units, folder / "interrupted")


def check_vendor_faults(
    vendor: type[Vendor], request: PullRequest, *, access: Access | None = None
) -> None:
    """Ask a vendor that does not deliver, and look at what it says; raises AssertionError with the reason.

    Whoever is asked must be broken: a dead line, a wrong token, a page with other columns. All that may come
    out are VendorError, with the function that was asked, and VendorRefused; of a vendor that is a file of
    the user's, DataError as well. The token is in none of them.

    Parameters
    ----------
    vendor, request, access : as in `check_vendor`
    """
    access = access or Access()
    request = replace(request, tables=chosen_tables(vendor, request.tables))
    errors = list(_errors(vendor, access, request))
    assert errors, "nothing went wrong, though the vendor does not deliver"
    for error in errors:
        fitting: tuple[type[Exception], ...] = (VendorError, VendorRefused)
        if vendor.needs.path:
            fitting += (DataError,)
        assert isinstance(error, fitting), f"{type(error).__name__} came out: {error}"
        assert not access.token or access.token not in str(error), "the token is shown in an error"
        if isinstance(error, VendorError):
            assert error.vendor == vendor.name, f"an error of {error.vendor!r} came out"
            assert error.query, f"the error does not name the function that was asked: {error}"


def _describes_itself(vendor: type[Vendor]) -> None:
    assert vendor.name.isidentifier(), f"{vendor.name!r} cannot be written on a command line"
    strange = sorted(set(vendor.tables) - set(TABLES))
    assert not strange, f"there are no tables {', '.join(strange)}"
    assert vendor.usual, "no table is pulled when none is named"
    assert set(vendor.usual) <= set(vendor.tables), "a usual table is none of the vendor's"
    assert vendor.rate >= 0, "the pace is negative"
    Universe.parse(vendor.sample, "sample")


def _plans_alike(
    vendor: type[Vendor], access: Access, request: PullRequest, units: list[Unit]
) -> None:
    with _opened(vendor, access) as session:
        again = session.plan(request)
        assert again == units, "the same wish gave other questions, or another order"
        assert session.plan(request) == units, "a second plan over the same line is another"
    twice = [key for key, count in Counter(u.key for u in units).items() if count > 1]
    assert not twice, f"two questions have one key, so that one would count for both: {twice[0]}"
    for of in {(u.query, u.tables) for u in units}:
        scopes = [u.scope.split()[0] for u in units if (u.query, u.tables) == of and u.scope]
        named = [s for s in scopes if s in request.universe.assets]
        assert named == sorted(named), f"{of[0]} does not ask for the assets in order"


def _keeps_to_the_wish(units: list[Unit], request: PullRequest) -> None:
    for unit in units:
        assert unit.query, f"{unit} does not name the function that is asked"
        assert unit.tables, f"{unit} fills no table"
        assert set(unit.tables) <= set(request.tables), f"{unit} is for tables nobody wished for"
        assert unit.start <= unit.end, f"{unit} ends before it begins"
        if not unit.point:
            assert unit.end <= request.end, f"{unit} goes beyond {request.end}"
        if any(_is_by_day(t) for t in unit.tables):
            inside = request.start <= unit.start and unit.end <= request.end
            assert inside, f"{unit} goes beyond {request.start} … {request.end}"


def _answers(session: Session, unit: Unit, request: PullRequest) -> dict[str, pl.DataFrame]:
    """Ask, and give the rows as the schema has them."""
    answer = session.fetch(unit)
    strange = sorted({*answer.frames, *answer.meta} - set(unit.tables))
    assert not strange, f"{unit} was answered with {', '.join(strange)}"
    assert all(isinstance(n, str) for n in answer.notes), f"a note on {unit} is no text"
    json.dumps({t: dict(m) for t, m in answer.meta.items()})
    filled = {table: frame for table, frame in answer.frames.items() if len(frame)}
    assert filled or unit.may_be_empty, f"{unit} was answered without rows, which it calls wrong"
    checked = {}
    for table, frame in filled.items():
        try:
            checked[table] = check_frame(table, frame, str(unit), sort=True)
        except DataError as error:
            raise AssertionError(f"{table} breaks the schema: {error}") from error
        _stays_inside(table, checked[table], unit, request)
        _is_in_units(table, checked[table], unit)
    return checked


def _stays_inside(table: str, frame: pl.DataFrame, unit: Unit, request: PullRequest) -> None:
    import polars as pl

    wished = request.universe.assets
    if wished and "asset" in frame.columns and table not in _NOT_BY_ASSET:
        others = sorted(set(frame["asset"].to_list()) - set(wished))
        assert not others, f"{unit} gave {table} of {others[0]}, whom nobody wished for"
    column = table_spec(table).date
    if column is None:
        return
    days = frame[column].cast(pl.Date)
    if not unit.point or _is_by_day(table):
        late = days.filter(days > unit.end)
        assert late.is_empty(), f"{unit} gave {table} of {late[0]}, after its last day"
    if _is_by_day(table):
        early = days.filter(days < unit.start)
        assert early.is_empty(), f"{unit} gave {table} of {early[0]}, before its first day"


def _is_in_units(table: str, frame: pl.DataFrame, unit: Unit) -> None:
    """Hold amount against volume and price: lots, or thousands of yuan, are off by their factor."""
    import polars as pl

    if not table.startswith("bars_") or not {"volume", "amount"} <= set(frame.columns):
        return
    traded = frame.filter((pl.col("volume") > 0) & (pl.col("amount") > 0))
    ratio = (traded["amount"] / (traded["volume"] * traded["close"])).median()
    if isinstance(ratio, float):
        fits = 0.5 < ratio < 2.0
        assert fits, f"{unit}: amount / (volume × close) is {ratio:.4g}; shares and currency give 1"


def _answers_alike(
    vendor: type[Vendor],
    access: Access,
    request: PullRequest,
    first: list[dict[str, pl.DataFrame]],
) -> None:
    with _opened(vendor, access) as session:
        for unit, before in zip(session.plan(request), first, strict=True):
            after = _answers(session, unit, request)
            assert after.keys() == before.keys(), f"{unit} filled other tables the second time"
            for table, frame in after.items():
                assert frame.equals(before[table]), f"{unit} gave other rows the second time"


def _names_the_unknown(
    vendor: type[Vendor], access: Access, request: PullRequest, unknown: str, folder: Path
) -> None:
    wish = replace(request, universe=Universe(assets=(unknown,)))
    wish = replace(wish, tables=tuple(t for t in wish.tables if _is_by_asset(t)))
    if not wish.tables:
        return
    try:
        report = pull(vendor, wish, Store.create(folder), access, patience=_HURRY)
    except SuperhetError as error:
        said = str(error)
    else:
        said = " ".join([*report.failed, *report.failed.values(), *report.notes])
    assert unknown in said, f"{unknown}, whom nobody knows, is not named: {said or 'nothing said'}"


def _goes_on(
    vendor: type[Vendor], access: Access, request: PullRequest, units: list[Unit], folder: Path
) -> None:
    store = Store.create(folder)
    before: list[Unit] = []
    with suppress(KeyboardInterrupt):
        pull(_watched(vendor, before, len(units) // 2), request, store, access, patience=_HURRY)
    store = Store.open(folder)
    after: list[Unit] = []
    report = pull(_watched(vendor, after), request, store, access, patience=_HURRY)
    assert report.ok, f"the pull that went on failed: {report}"
    twice = sorted({u.key for u in before} & {u.key for u in after})
    assert not twice, f"{twice[0]} was answered before the interrupt, and asked again after it"
    left = sorted({u.key for u in units} - {u.key for u in [*before, *after]})
    assert not left, f"{left[0]} was never asked"
    last: list[Unit] = []
    pull(_watched(vendor, last), request, store, access, patience=_HURRY)
    assert not last, f"a pull that had ended asked again for {last[0]}"


@contextmanager
def _opened(vendor: type[Vendor], access: Access) -> Iterator[Session]:
    """Open a line, and hang up twice: the second time does nothing."""
    session = vendor().open(access)
    try:
        yield session
    finally:
        session.close()
        session.close()


def _errors(vendor: type[Vendor], access: Access, request: PullRequest) -> Iterator[Exception]:
    """Give all that comes out of a vendor, from the opening to the last answer."""
    try:
        session = vendor().open(access)
    except Exception as error:
        yield error
        return
    try:
        units = session.plan(request)
    except Exception as error:
        session.close()
        yield error
        return
    for unit in units:
        try:
            session.fetch(unit)
        except Exception as error:
            yield error
    session.close()


def _watched(vendor: type[Vendor], asked: list[Unit], stop: int | None = None) -> type[Vendor]:
    """Give a vendor that writes down what it answers, and is interrupted before question `stop`."""

    class Watching:
        def __init__(self, session: Session) -> None:
            self.plan: Callable[[PullRequest], list[Unit]] = session.plan
            self.close: Callable[[], None] = session.close
            self._fetch = session.fetch

        def fetch(self, unit: Unit) -> Answer:
            if len(asked) == stop:
                raise KeyboardInterrupt
            answer = self._fetch(unit)
            asked.append(unit)
            return answer

    def opened(self: Vendor, access: Access) -> Any:
        return Watching(vendor.open(self, access))

    return cast("type[Vendor]", type(vendor.__name__, (vendor,), {"open": opened}))


def _is_by_day(table: str) -> bool:
    frequency = table_spec(table).frequency
    return table != "calendar" and (frequency == "1d" or frequency.endswith("min"))


def _is_by_asset(table: str) -> bool:
    return "asset" in table_spec(table).key and table not in _NOT_BY_ASSET


__all__ = ["check_vendor", "check_vendor_faults"]
