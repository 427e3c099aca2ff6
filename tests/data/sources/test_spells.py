"""Lists of single days turned into spells: what held is found again, and nothing is known before its list."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.data.sources.spells import Snapshot, Spell, snapshots, spells

FIRST = date(2020, 1, 1)
DAYS = [FIRST + timedelta(days=k) for k in range(150)]


def lists(changes):
    """Make the vendor's answer: the list that was published last on or before a day."""
    dates = sorted(changes)

    def ask(day):
        known = max(d for d in dates if d <= day)
        return Snapshot(known=known, labels=changes[known])

    return ask


def holding(found, day):
    return {s.asset: s.label for s in found if s.start <= day and (s.end is None or day < s.end)}


_labels = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "x"]), max_size=4)
_changes = st.dictionaries(st.integers(1, 120), _labels, max_size=3).map(
    lambda later: {FIRST: {"a": ""}, **{DAYS[k]: labels for k, labels in later.items()}}
)


@settings(deadline=None)
@given(_changes)
def test_spells_of_lists_that_change_once_between_two_questions_are_exact(changes):
    """Month ends are asked, and closer around a change: one change in a month is dated to its day."""
    months = [d.month for d in sorted(changes)]
    found = spells(snapshots(lists(changes), FIRST, DAYS[-1]))
    truth = lists(changes)
    if len(set(months)) == len(months):
        assert all(holding(found, day) == truth(day).labels for day in DAYS)
    else:
        assert holding(found, DAYS[-1]) == truth(DAYS[-1]).labels


@settings(deadline=None)
@given(_changes)
def test_no_name_is_known_before_a_list_shows_it(changes):
    for spell in spells(snapshots(lists(changes), FIRST, DAYS[-1])):
        earlier = [d for d, labels in changes.items() if labels.get(spell.asset) == spell.label]
        assert spell.start >= min(earlier)


@settings(deadline=None)
@given(_changes, st.integers(2, 148))
def test_going_on_where_one_stopped_is_the_same_as_going_in_one(changes, cut):
    """Spells that the first part left open are ended by the second, under the same start."""
    ask = lists(changes)
    first = spells(snapshots(ask, FIRST, DAYS[cut - 1]))
    running = {s.asset: (s.label, s.start) for s in first if s.end is None}
    second = spells(snapshots(ask, DAYS[cut], DAYS[-1]), running)
    both = {(s.asset, s.start): s for s in first} | {(s.asset, s.start): s for s in second}
    assert holding(both.values(), DAYS[-1]) == ask(DAYS[-1]).labels
    assert holding(both.values(), DAYS[cut]) == ask(DAYS[cut]).labels


def test_a_change_is_dated_by_the_list_that_shows_it_with_few_questions():
    asked = []
    changes = {date(2019, 12, 16): {"a": "", "b": ""}, date(2020, 3, 13): {"a": "", "c": ""}}

    def ask(day):
        asked.append(day)
        return lists(changes)(day)

    found = spells(snapshots(ask, FIRST, DAYS[-1]))
    assert found == [
        Spell(asset="b", label="", start=date(2019, 12, 16), end=date(2020, 3, 13)),
        Spell(asset="a", label="", start=date(2019, 12, 16)),
        Spell(asset="c", label="", start=date(2020, 3, 13)),
    ]
    assert len(asked) <= 12
