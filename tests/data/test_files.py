"""Files of many makes are read as the column map says; what cannot be read is named."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from superhet.data.schema import table_spec
from superhet.data.sources.column_map import ColumnMap, TableMap
from superhet.data.sources.expressions import compile_expression
from superhet.data.sources.files import chinese_share, expand, read_file
from superhet.errors import ConfigError, DataError, UnknownName

HEADERS = "股票代码,交易日期,开盘价,最高价,最低价,收盘价,成交量,成交额"
ROWS = ["sh600000,2020-01-02,10,11,9,10.5,100,1050", "sh600000,2020-01-03,10,11,9,10.5,100,1050"]
COLUMNS = {
    "asset": "股票代码",
    "date": "交易日期",
    "open": "开盘价",
    "high": "最高价",
    "low": "最低价",
    "close": "收盘价",
    "volume": "成交量",
    "amount": "成交额",
}


def table(**changes) -> TableMap:
    return TableMap.model_validate({"table": "bars_1d", "columns": COLUMNS, **changes})


def write(path, *lines, encoding="utf-8"):
    path.write_bytes("\n".join([*lines, ""]).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_chinese_headers_are_read_in_every_encoding(tmp_path, encoding):
    path = write(tmp_path / "a.csv", HEADERS, *ROWS, encoding=encoding)
    said = "utf-8" if encoding == "utf-8-sig" else encoding
    frame, ignored = read_file(path, table(encoding=said, asset_format="cn"), "a.csv")
    assert frame["asset"].unique().to_list() == ["600000.SH"]
    assert frame["date"].to_list() == [date(2020, 1, 2), date(2020, 1, 3)]
    assert frame["amount"].to_list() == [1050.0, 1050.0]
    assert ignored == []


def test_a_wrong_encoding_names_the_byte_the_line_and_the_right_one(tmp_path):
    path = write(tmp_path / "a.csv", HEADERS, *ROWS, encoding="gbk")
    with pytest.raises(
        DataError, match=r"a.csv: byte 0 \(line 1\) is not utf-8; it reads as gb18030: say"
    ):
        read_file(path, table(), "a.csv")
    path = write(tmp_path / "b.csv", HEADERS, *ROWS, encoding="utf-8")
    with pytest.raises(DataError, match="b.csv: .*utf-8.*in the column map"):
        read_file(path, table(encoding="gbk"), "b.csv")


def test_junk_first_lines_and_second_headers_are_skipped(tmp_path):
    path = write(tmp_path / "a.csv", "整理", HEADERS, "元,元,元,元,元,元,元,元", *ROWS)
    frame, _ = read_file(path, table(skip_rows=1, skip_rows_after_header=1), "a.csv")
    assert frame.height == 2
    assert frame["_row"].to_list() == [1, 2]


def test_a_file_without_headers_gets_them_from_the_map(tmp_path):
    path = write(tmp_path / "a.csv", *ROWS)
    frame, _ = read_file(path, table(header=HEADERS.split(",")), "a.csv")
    assert frame["close"].to_list() == [10.5, 10.5]
    with pytest.raises(DataError, match="the file has no header '股票代码'"):
        read_file(path, table(), "a.csv")


def test_words_for_missing_are_null_and_other_words_are_refused(tmp_path):
    path = write(
        tmp_path / "a.csv", HEADERS, ROWS[0].replace("1050", "--"), ROWS[1].replace("1050", "n.a.")
    )
    frame, _ = read_file(path, table(missing=["--", "n.a."]), "a.csv")
    assert frame["amount"].to_list() == [None, None]
    with pytest.raises(
        DataError, match="a.csv, row 2, column 'amount': 'n.a.' is not a finite number"
    ):
        read_file(path, table(), "a.csv")


def test_a_ticker_called_na_is_no_missing_value(tmp_path):
    path = write(tmp_path / "a.csv", HEADERS, ROWS[0].replace("sh600000", "NA"))
    assert read_file(path, table(), "a.csv")[0]["asset"].to_list() == ["NA"]


def test_units_are_brought_to_ours(tmp_path):
    path = write(tmp_path / "a.csv", HEADERS, *ROWS)
    frame, _ = read_file(path, table(units={"volume": 100, "amount": 1000}), "a.csv")
    assert frame.select("volume", "amount").row(0) == (10_000.0, 1_050_000.0)
    with pytest.raises(
        DataError, match="column 'volum': units: there is no such column here; did you mean"
    ):
        read_file(path, table(units={"volum": 100}), "a.csv")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("20200102", "%Y%m%d"),
        ("2020/1/2", "%Y/%m/%d"),
        ("01/02/2020", "%m/%d/%Y"),
        ("2020-01-02 16:00:00-05:00", "%Y-%m-%d*"),
        ("2020年01月02日", "%Y年%m月%d日"),
        ("2020-01-02 15:00:00", "%Y-%m-%d %H:%M:%S"),
    ],
)
def test_dates_of_many_makes(tmp_path, text, form):
    path = write(tmp_path / "a.csv", HEADERS, ROWS[0].replace("2020-01-02", text))
    frame, _ = read_file(path, table(date_format=form), "a.csv")
    assert frame["date"].to_list() == [date(2020, 1, 2)]


def test_a_wrong_date_format_is_named_with_the_one_it_looks_like(tmp_path):
    path = write(tmp_path / "a.csv", HEADERS, ROWS[0], ROWS[1].replace("2020-01-03", "20200103"))
    match = r"row 2, column 'date': '20200103' is not a date of format %Y-%m-%d; it looks like date_format: "
    with pytest.raises(DataError, match=match):
        read_file(path, table(), "a.csv")


def test_whole_numbers_of_a_parquet_file_are_dates_when_the_map_says_so(tmp_path):
    pl.DataFrame({"date": [20200102], "asset": ["A"], "pe": [1.0]}).write_parquet(
        tmp_path / "a.parquet"
    )
    entry = TableMap.model_validate({"table": "daily", "date_format": "%Y%m%d"})
    frame, _ = read_file(tmp_path / "a.parquet", entry, "a.parquet")
    assert frame["date"].to_list() == [date(2020, 1, 2)]


def test_time_may_come_in_two_columns_and_be_stamped_at_the_start(tmp_path):
    path = write(tmp_path / "a.csv", "day,clock,code", "2020-01-02,09:30:00,A")
    entry = TableMap.model_validate(
        {
            "table": "bars_15min",
            "columns": {"time": ["day", "clock"], "asset": "code"},
            "bar_label": "start",
        }
    )
    assert read_file(path, entry, "a.csv")[0]["time"].to_list() == [datetime(2020, 1, 2, 9, 45)]


def test_values_come_from_constants_and_the_file_name(tmp_path):
    path = write(tmp_path / "NYSE_DUK_x.csv", ",Close", "2020-01-02 16:00:00-05:00,90.5")
    entry = TableMap.model_validate(
        {
            "table": "index_bars",
            "columns": {"date": "", "close": "Close"},
            "from_file": {"index": "NYSE_([A-Z]+)_"},
            "constants": {"volume": 7},
            "date_format": "%Y-%m-%d*",
        }
    )
    frame, _ = read_file(path, entry, path.name)
    assert frame.select("index", "close", "volume").rows() == [("DUK", 90.5, 7.0)]
    with pytest.raises(DataError, match="b.csv: the name does not match"):
        read_file(write(tmp_path / "b.csv", ",Close", "2020-01-02,1"), entry, "b.csv")


def test_transposed_statements_are_turned(tmp_path):
    path = write(
        tmp_path / "600519.csv",
        "报告日期,2020-12-31,2019-12-31,",
        "净利润(万元),4669728,--,",
        "总资产(万元),21339580,18304237,",
    )
    entry = TableMap.model_validate(
        {
            "table": "statements",
            "transpose": "报告日期",
            "columns": {"report_date": "报告日期", "net_profit": "净利润(万元)"},
            "from_file": {"asset": r"(\d{6})"},
            "asset_format": "cn",
            "units": {"net_profit": 10_000},
        }
    )
    frame, ignored = read_file(path, entry, path.name)
    assert frame.select("asset", "report_date", "net_profit").rows() == [
        ("600519.SH", date(2020, 12, 31), 46_697_280_000.0),
        ("600519.SH", date(2019, 12, 31), None),
    ]
    assert ignored == ["总资产(万元)"]


def test_words_are_translated_and_unknown_ones_refused(tmp_path):
    path = write(tmp_path / "a.csv", "code,board", "A,主板", "B,科创板")
    entry = {"table": "securities", "columns": {"asset": "code", "board": "board"}}
    both = TableMap.model_validate(
        {**entry, "values": {"board": {"主板": "main", "科创板": "star"}}}
    )
    assert read_file(path, both, "a.csv")[0]["board"].to_list() == ["main", "star"]
    one = TableMap.model_validate({**entry, "values": {"board": {"主板": "main"}}})
    with pytest.raises(DataError, match="row 2, column 'board': values: '科创板' is none of 主板"):
        read_file(path, one, "a.csv")


def test_a_header_that_is_not_there_is_named_with_a_near_miss(tmp_path):
    path = write(tmp_path / "a.csv", HEADERS.replace("收盘价", "收盘"), *ROWS)
    with pytest.raises(
        DataError,
        match="a.csv, column 'close': the file has no header '收盘价'; did you mean '收盘'",
    ):
        read_file(path, table(), "a.csv")


def test_ragged_and_unreadable_files_are_data_errors(tmp_path):
    path = write(tmp_path / "a.csv", "a,b", "1,2,3,4")
    with pytest.raises(DataError, match="a.csv: cannot be read as CSV: .*separator"):
        read_file(path, table(), "a.csv")
    path = write(tmp_path / "a.parquet", "no parquet at all")
    with pytest.raises(DataError, match="a.parquet: cannot be read as Parquet"):
        read_file(path, table(), "a.parquet")


def test_patterns_name_files_and_an_empty_answer_is_an_error(tmp_path):
    for name in ("b.csv", "a.csv", "notes.md", ".hidden.csv"):
        write(tmp_path / name, "x")
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder/c.csv", "x")
    assert [p.name for p in expand(tmp_path, None)] == ["a.csv", "b.csv"]
    assert [p.name for p in expand(tmp_path, ["a.*", "folder"])] == ["a.csv", "c.csv"]
    assert expand(tmp_path / "a.csv", None) == [tmp_path / "a.csv"]
    with pytest.raises(DataError, match="no file matches 'x/\\*.csv' in this folder"):
        expand(tmp_path, "x/*.csv")
    with pytest.raises(DataError, match="there is no such file or folder; check --path"):
        expand(tmp_path / "nowhere", None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sh600000", "600000.SH"),
        ("SZ000001", "000001.SZ"),
        ("sh.600745", "600745.SH"),
        ("600000.SH", "600000.SH"),
        ("600000.XSHG", "600000.SH"),
        ("000001.xshe", "000001.SZ"),
        ("600000.SS", "600000.SH"),
        ("600000", "600000.SH"),
        ("1", "000001.SZ"),
        ("300750", "300750.SZ"),
        ("830799", "830799.BJ"),
        ("920002", "920002.BJ"),
        ("900901", "900901.SH"),
        ("AAPL", None),
        ("6000001", None),
    ],
)
def test_every_spelling_of_a_chinese_share(given, expected):
    assert pl.DataFrame({"a": [given]}).select(chinese_share(pl.col("a"))).item() == expected


def test_a_name_that_is_no_chinese_share_is_refused(tmp_path):
    path = write(tmp_path / "a.csv", HEADERS, ROWS[0], ROWS[1].replace("sh600000", "IBM"))
    with pytest.raises(
        DataError, match="row 2, column 'asset': 'IBM' is not the code of a Chinese share"
    ):
        read_file(path, table(asset_format="cn"), "a.csv")


def test_asset_names_can_be_rewritten_by_pattern(tmp_path):
    path = write(tmp_path / "a.csv", HEADERS, ROWS[0].replace("sh600000", "IBM US Equity"))
    entry = table(asset_format={"pattern": r"^(\w+) US Equity$", "to": "$1"})
    assert read_file(path, entry, "a.csv")[0]["asset"].to_list() == ["IBM"]


FRAME = pl.DataFrame(
    {
        "date": [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 2), date(2020, 1, 3)],
        "asset": ["A", "A", "B", "B"],
        "close": [10.0, 20.0, 5.0, None],
        "_adjusted": [None, 40.0, 5.0, 6.0],
        "_kind": ["x", "y", "x", "z"],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("close * 2 - 1", [19.0, 39.0, 9.0, None]),
        ("-(close + 1) / 2", [-5.5, -10.5, -3.0, None]),
        ("coalesce(close, _adjusted, 0)", [10.0, 20.0, 5.0, 6.0]),
        ("where(close > 5, close)", [10.0, 20.0, None, None]),
        ("close is null or _kind in ('y',)", [False, True, False, True]),
        ("not (close >= 10 and _kind != 'x')", [True, False, True, None]),
        ("date < '2020-01-03'", [True, False, True, False]),
        ("'2020-01-03' == date", [False, True, False, True]),
        ("abs(close - 20)", [10.0, 0.0, 15.0, None]),
        ("rebased(_adjusted / close)", [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_formulas_of_a_map(text, expected):
    expression = compile_expression(text, FRAME.schema, table_spec("bars_1d"), "key")
    assert FRAME.select(expression.alias("x"))["x"].to_list() == expected


def test_a_rebased_factor_starts_at_one_and_is_carried_over_holes():
    frame = FRAME.select("date", "asset").with_columns(f=pl.Series([3.0, 6.0, None, 4.0]))
    made = compile_expression("rebased(f)", frame.schema, table_spec("bars_1d"), "key")
    assert frame.select(made.alias("x"))["x"].to_list() == [1.0, 2.0, 1.0, 1.0]
    turned = frame[[3, 1, 2, 0]].select(made.alias("x"))["x"].to_list()
    assert turned == [1.0, 2.0, 1.0, 1.0], "dates decide, not the order of rows"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("close /", "key: 'close /' cannot be read"),
        ("clse + 1", "key: unknown column 'clse'; did you mean 'close'"),
        ("shift(close)", "key: unknown function 'shift'"),
        ("close.sum()", "'close.sum\\(\\)' in .* is not understood"),
        ("__import__('os')", "unknown function '__import__'"),
        ("close ** 2", "is not understood"),
        ("abs(close, 1)", "abs takes 1 values, 2 are given"),
        ("date > 'soon'", "'soon' is not a date YYYY-MM-DD"),
    ],
)
def test_formulas_that_cannot_be_read_are_named(text, message):
    with pytest.raises(ConfigError, match=message):
        compile_expression(text, FRAME.schema, table_spec("bars_1d"), "key")


BARS = {"table": "bars_1d"}
WRONG_MAPS = [
    ({**BARS, "colums": {}}, r"m: tables\[0\].colums: unknown key; did you mean 'columns'"),
    (
        {"table": "bars_id"},
        r"m: tables\[0\].table: unknown table 'bars_id'; did you mean 'bars_1d'",
    ),
    (
        {**BARS, "columns": {"clse": "x"}},
        r"\[0\].columns: unknown column of bars_1d 'clse'; did you",
    ),
    (
        {**BARS, "drop": ["bad_ohcl"]},
        r"\[0\].drop: unknown drop 'bad_ohcl'; did you mean 'bad_ohlc'",
    ),
    ({**BARS, "encoding": "utf-9"}, r"tables\[0\].encoding: unknown encoding 'utf-9'"),
    ({**BARS, "skip_rows": -1}, r"tables\[0\].skip_rows: .*greater than or equal to 0 \(got -1\)"),
    ({**BARS, "known_at": "same_day"}, r"tables\[0\].known_at: only statements have this"),
    ({"table": "statements", "basis": {"eps": "yearly"}}, r"tables\[0\].basis.eps: .*'ytd'"),
    ("bars_1d", r"tables\[0\]: expected a table"),
]


@pytest.mark.parametrize(("entry", "message"), WRONG_MAPS)
def test_a_wrong_map_is_named_by_the_path_of_the_key(entry, message):
    with pytest.raises(ConfigError, match=message):
        ColumnMap.from_dict({"tables": [entry]}, name="m")


def test_a_map_that_is_no_map_is_named(tmp_path):
    with pytest.raises(ConfigError, match="the column map .*nowhere.yaml does not exist"):
        ColumnMap.from_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="a.yaml is no YAML"):
        ColumnMap.from_yaml(write(tmp_path / "a.yaml", "a: [1"))
    with pytest.raises(ConfigError, match="b.yaml: expected `tables:`"):
        ColumnMap.from_yaml(write(tmp_path / "b.yaml", "- 1"))
    with pytest.raises(UnknownName, match="unknown table"):
        ColumnMap.from_yaml(write(tmp_path / "c.yaml", "tables: [{table: bars}]"))
