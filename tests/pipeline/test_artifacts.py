"""What a stage leaves in a run folder comes back the same, bit for bit, or not at all."""

from __future__ import annotations

import errno
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from superhet.errors import CorruptedPart, DiskFull
from superhet.panel import (
    Assets,
    BookState,
    Cube,
    Dates,
    Events,
    Fold,
    Panel,
    Records,
)
from superhet.pipeline.artifacts import Artifacts, write_atomic, write_json
from superhet.pipeline.stages import attribute

DTYPES = ["f8", "f4", "?", "i1", "i4", "i8", "M8[D]", "M8[s]", "U3"]


def same(left: object, right: object) -> bool:
    """Equal type, equal content; NaN equals NaN, arrays also by dtype and shape."""
    return type(left) is type(right) and _plain(left) == _plain(right)


def _plain(value: object) -> object:
    """A value as nested lists of what == compares bit for bit."""
    if isinstance(value, np.ndarray):
        return ["array", str(value.dtype), value.shape, value.tobytes()]
    if isinstance(value, float):
        return ["float", value.hex()]  # every NaN is the same
    if isinstance(value, Cube):
        return ["cube", [[n, _plain(value[n])] for n in value], dict(value.blocks)]
    if isinstance(value, Dates | Assets):
        return [type(value).__name__, _plain(np.asarray(value.values))]
    if hasattr(value, "__dataclass_fields__"):
        return [type(value).__name__, [_plain(getattr(value, f.name)) for f in fields(value)]]
    if isinstance(value, dict):
        return ["dict", [[k, _plain(v)] for k, v in value.items()]]
    if isinstance(value, list | tuple):
        return [type(value).__name__, [_plain(v) for v in value]]
    return [type(value).__name__, value]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_every_kind_come_back_bit_for_bit(dtype, tmp_path_factory):
    store = Artifacts(tmp_path_factory.mktemp("run"))
    elements = {"alphabet": "a中 é"} if dtype.startswith("U") else {}
    shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)

    @settings(deadline=None, max_examples=25)
    @given(hnp.arrays(dtype, shapes, elements=hnp.from_dtype(np.dtype(dtype), **elements)))
    def check(array):
        digest = store.save("stage", {"array": array})
        assert store.hash_of("stage") == digest
        assert same(store.load("stage")["array"], array)

    check()


@settings(deadline=None, max_examples=25)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_plain_values_come_back_whole_floats_included(value, tmp_path_factory):
    store = Artifacts(tmp_path_factory.mktemp("run"))
    store.save("stage", value)
    assert same(store.load("stage"), value)


def test_every_stage_of_a_road_comes_back_bit_for_bit(
    tiny_road, tiny_config, tiny_loaded, tmp_path
):
    store = Artifacts(tmp_path)
    seen = set()

    def types_of(value: object) -> None:
        seen.add(type(value).__name__)
        if isinstance(value, dict):
            for inner in value.values():
                types_of(inner)
        if isinstance(value, list | tuple):
            for inner in value:
                types_of(inner)

    road = {
        **tiny_road,
        "attribution": attribute(tiny_config, tiny_loaded, tiny_road["backtest"]),
    }
    for name, values in road.items():
        digest = store.save(name, values)
        back = store.load(name)
        assert same(back, values), name
        assert Artifacts(tmp_path / "again").save(name, back) == digest
        types_of(values)
    assert {"Cube", "Panel", "BacktestResult", "Attribution", "Fold", "ndarray"} <= seen


def test_a_book_read_back_goes_on_as_the_one_in_memory(
    tiny_road, tiny_config, tiny_loaded, tmp_path
):
    weights = tiny_road["portfolio"]["weights"]
    decided = weights.dates.values[np.nan_to_num(weights.values).any(axis=1)]
    weights, middle = weights.between(decided[0], None), decided[decided.size // 2]
    first = tiny_config.backtest.run(weights.between(None, middle), tiny_loaded.until(middle))
    store = Artifacts(tmp_path)
    store.save("backtest", {"result": first})
    state = store.load("backtest")["result"].final_state
    assert type(state) is BookState
    assert same(state, first.final_state)
    on = [tiny_config.backtest.resume(s, weights, tiny_loaded) for s in (state, first.final_state)]
    assert same(*on)
    assert on[0].equity[-1] == tiny_road["backtest"]["result"].equity[-1], "that of one run"


def hand_made() -> dict[str, object]:
    """One of each value that a stage may hold."""
    dates = Dates(np.array(["2020-01-02", "2020-01-03"], dtype="M8[D]"))
    assets = Assets(["600000.SH", "000001.SZ"])
    panel = Panel(
        values=np.array([[1.0, np.nan], [-0.0, np.inf]]), dates=dates, assets=assets, name="x"
    )
    group = Panel(
        values=np.array([[0, -1], [1, 0]], dtype=np.int32), dates=dates, assets=assets,
        name="industry", unit="group", labels=("银行", "传媒"),
    )  # fmt: skip
    known = np.array(["2020-01-02", "2020-01-03"], dtype="M8[D]")
    columns = {"asset": np.array([0, 1]), "net_profit": np.array([1.5, np.nan])}
    return {
        "panel": panel,
        "group": group,
        "cube": Cube({"x": panel}, blocks={"x": "daily"}),
        "empty cube": Cube({}, dates=dates, assets=assets),
        "records": Records(columns={"asset": np.array([0]), "side": np.array(["buy"])}),
        "events": Events(
            name="statements", columns=columns, known_at=known, basis={"net_profit": "ytd"}
        ),
        "fold": Fold(train=slice(0, 10), test=slice(11, 20)),
        "open slice": slice(None, None),
        "numbers": {"int": np.int64(3), "float": np.float32(0.1), "nan": float("nan")},
        "names": np.array(["甲", "b"], dtype=object),
        "scalars": [True, None, "é", -0.0],
    }


def test_every_kind_of_value_comes_back_from_a_run_folder(tmp_path):
    store = Artifacts(tmp_path)
    store.save("stage", hand_made())
    back = store.load("stage")
    made = hand_made()
    numbers, names = made.pop("numbers"), made.pop("names")
    assert back.pop("numbers") == {
        "int": 3,
        "float": float(np.float32(0.1)),
        "nan": pytest.approx(np.nan, nan_ok=True),
    }
    assert back.pop("names").tolist() == names.tolist()
    assert isinstance(numbers, dict)
    assert same(back, made)


def test_the_hash_of_a_stage_is_that_of_its_values_alone(tmp_path):
    first = Artifacts(tmp_path / "a").save("stage", hand_made())
    assert Artifacts(tmp_path / "b").save("other name", hand_made()) == first
    changed = hand_made() | {"scalars": [True, None, "é", 0.0]}
    assert Artifacts(tmp_path / "c").save("stage", changed) != first, "the sign of zero counts"


def test_equal_arrays_are_written_once(tmp_path):
    store = Artifacts(tmp_path)
    store.save("stage", [np.arange(5.0)] * 3)
    store.save("later", {"again": np.arange(5.0), "other": np.arange(5)})
    assert len(list((tmp_path / "arrays").iterdir())) == 2


def test_what_is_loaded_cannot_be_changed(tmp_path):
    store = Artifacts(tmp_path)
    store.save("stage", np.arange(3.0))
    with pytest.raises(ValueError, match="read-only"):
        store.load("stage")[0] = 5.0


def test_a_value_of_a_strange_type_is_refused_and_leaves_no_stage(tmp_path):
    store = Artifacts(tmp_path)
    with pytest.raises(TypeError, match="set cannot be stored in a run folder"):
        store.save("stage", {"x": {1, 2}})
    assert not store.has("stage")


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "remove"])
def test_a_harmed_array_is_noticed(harm, tmp_path):
    store = Artifacts(tmp_path)
    store.save("stage", np.arange(50.0))
    (path,) = (tmp_path / "arrays").iterdir()
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    if harm == "remove":
        path.unlink()
    else:
        path.write_bytes({"flip": content, "cut": content[:-9], "empty": b""}[harm])
    with pytest.raises(CorruptedPart, match=r"\.npy: its content does not match its hash"):
        store.load("stage")


@pytest.mark.parametrize("harm", ["{", "", '{"type": "array"}', '{"type": "Panel", "fields": {}}'])
def test_a_harmed_stage_file_is_noticed(harm, tmp_path):
    store = Artifacts(tmp_path)
    store.save("stage", np.arange(3.0))
    (tmp_path / "stages" / "stage.json").write_text(harm)
    with pytest.raises(CorruptedPart, match=r"stage\.json: .*Delete"):
        store.load("stage")


def test_a_writer_that_fails_leaves_the_former_file_and_nothing_else(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, {"a": 1})
    before = path.read_bytes()

    def fail(aside: Path) -> None:
        aside.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_told_as_such_and_leaves_nothing(number, tmp_path):
    def full(aside: Path) -> None:
        aside.write_text("half")
        raise OSError(number, "no room")

    with pytest.raises(
        DiskFull, match="no room left to write x.json. Make room, then go on with --resume"
    ):
        write_atomic(tmp_path / "new" / "x.json", full)
    assert not list((tmp_path / "new").iterdir())


def test_another_error_of_the_system_passes_as_it_is(tmp_path):
    def broken(aside: Path) -> None:
        raise OSError(errno.EIO, "broken disk")

    with pytest.raises(OSError, match="broken disk") as caught:
        write_atomic(tmp_path / "x", broken)
    assert caught.value.errno == errno.EIO
