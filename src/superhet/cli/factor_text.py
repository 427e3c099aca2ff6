"""What `superhet factor` prints for a person, in English and Chinese."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superhet.factors import Formula
    from superhet.pipeline.factor_facts import FormulaFacts, LibraryFacts, OperatorFacts
    from superhet.pipeline.factor_table import FactorSummary, TableSummary

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "formula": "formula", "as written": "as written", "meaning": "meaning", "fields": "fields",
        "bars": "fields of bars", "statements": "statement columns", "groups": "classifications",
        "assets": "assets", "frequency": "frequency", "look-back": "look-back", "unit": "unit",
        "convention": "convention", "expected": "expected", "source": "source", "note": "note",
        "missing": "not computed", "syntax": "spelling",
        "minute": "minute bars", "daily": "daily", "quarterly": "statements",
        "1d": "a value each session", "event": "a value when announced",
        "sessions": "{} sessions", "quarters": "{} quarters", "mixed": "mixed",
        "high": "high values, high returns", "low": "high values, low returns",
        "rows": "{} of {} rows", "several": "{} sources, see each formula",
        "library": "library", "count": "formulas", "title": "title",
        "left": ", {} not computed", "operator": "operator", "known": "rows to be known", "comma": ", ",
        "elementwise": "element by element", "time_series": "through time",
        "cross_section": "across assets", "intraday": "bars of a day",
    },
    "zh": {
        "formula": "公式", "as written": "原式", "meaning": "含义", "fields": "日频字段",
        "bars": "K 线字段", "statements": "报表科目", "groups": "分类",
        "assets": "证券", "frequency": "频率", "look-back": "回看期", "unit": "单位",
        "convention": "计算约定", "expected": "预期方向", "source": "来源", "note": "说明",
        "missing": "无法计算", "syntax": "写法",
        "minute": "分钟线", "daily": "日频", "quarterly": "财务报表",
        "1d": "每个交易日有值", "event": "公告日有值",
        "sessions": "{} 个交易日", "quarters": "{} 个季度", "mixed": "单位不一致",
        "high": "值高则收益高", "low": "值高则收益低",
        "rows": "{1} 行中 {0} 行", "several": "{} 个来源，见各公式",
        "library": "因子库", "count": "公式数", "title": "名称",
        "left": "，{} 个无法计算", "operator": "算子", "known": "须已知行数", "comma": "，",
        "elementwise": "逐元素", "time_series": "时间序列", "cross_section": "截面",
        "intraday": "日内", "price": "价格", "ratio": "比率", "currency": "金额", "shares": "股数",
    },
}  # fmt: skip
_UNDEFINED = {
    "division_by_zero": "divisions by zero",
    "log_of_non_positive": "logarithms of what is not positive",
    "root_of_negative": "roots of what is negative",
}
_LONGEST = 100


def libraries_text(found: Sequence[LibraryFacts], language: str) -> str:
    """List the libraries, one a line."""
    words = _WORDS[language]
    rows = [[words["library"], words["count"], words["title"], words["source"]]]
    for one in found:
        sources = one.sources
        count = str(one.formulas) + (words["left"].format(one.missing) if one.missing else "")
        source = sources[0] if len(sources) == 1 else words["several"].format(len(sources))
        rows.append([one.name, count, one.title[language], source])
    return table(rows)


def formulas_text(found: Sequence[Formula], language: str) -> str:
    """List the formulas of a library: name, meaning, formula."""
    words = _WORDS[language]
    rows = [[words["formula"], words["meaning"], words["as written"]]]
    for one in found:
        text = one.text or f"{words['missing']}: {one.missing.get(language, '')}"
        rows.append([one.name, one.meaning.get(language, ""), _short(text)])
    return table(rows)


def facts_text(facts: FormulaFacts, language: str) -> str:
    """Say everything about one formula."""
    words = _WORDS[language]
    lines = [f"{facts.library}.{facts.name}"] if facts.name else []
    about = _described(facts, words, language)
    lines.append(table([[label, text] for label, text in about if text]))
    if facts.operators:
        head = [words["operator"], words["known"], words["meaning"]]
        calls = [_operator(one, words, language) for one in facts.operators]
        lines += ["", table([head, *calls])]
    return "\n".join(lines)


def summary_text(found: TableSummary) -> str:
    """Say what was computed: a line a factor, then what was undefined, then the table."""
    rows = [["factor", "known", "first", "last", "look-back", "convention", "formula"]]
    for f in found.factors:
        formula = "" if f.formula == f.name else _short(f.formula)
        first, last = f.first_date or "never", f.last_date or "never"
        known = f"{f.coverage:.1%}"
        rows.append([f.name, known, first, last, str(f.lookback), f.convention, formula])
    lines = [table(rows, right={1, 4}), *map(_doubts, filter(_is_doubtful, found.factors))]
    lines.append(
        f"{found.rows:,} rows: {found.dates:,} dates from {found.first_date} to {found.last_date}, "
        f"{found.assets:,} assets, {found.dtype}"
    )
    lines.append(f"written to {found.out}" if found.out else "not written; name a file with --out")
    return "\n".join(lines)


def table(
    rows: Sequence[Sequence[str]], indent: int = 0, right: frozenset[int] | set[int] = frozenset()
) -> str:
    """Align columns; a Chinese character takes two places.

    Examples
    --------
    >>> print(table([["a", "1"], ["因子", "22"]], right={1}))
    a      1
    因子  22
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            " " * (w - _width(c)) + c if i in right else c + " " * (w - _width(c))
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def _described(
    facts: FormulaFacts, words: Mapping[str, str], language: str
) -> list[tuple[str, str]]:
    back = []
    if facts.lookback is not None:
        back.append(words["sessions"].format(facts.lookback))
    if facts.quarters:
        back.append(words["quarters"].format(facts.quarters))
    clock = [words[w] for w in (facts.frequency, facts.clock) if w]
    sign = {1: words["high"], -1: words["low"]}.get(facts.sign or 0, "")
    unit = "" if facts.formula is None else facts.unit or words["mixed"]
    unit = words.get(unit, unit)
    return [
        (words["meaning"], facts.meaning.get(language, "")),
        (words["as written"], facts.text if facts.text != facts.formula else ""),
        (words["syntax"], facts.syntax if facts.text != facts.formula else ""),
        (words["formula"], facts.formula or ""),
        (words["missing"], facts.missing.get(language, "")),
        (words["fields"], ", ".join(facts.fields)),
        (words["bars"], ", ".join(facts.bar_fields)),
        (words["statements"], ", ".join(facts.statement_columns)),
        (words["groups"], ", ".join(facts.groups)),
        (words["assets"], ", ".join(facts.assets)),
        (words["frequency"], words["comma"].join(clock)),
        (words["look-back"], words["comma"].join(back)),
        (words["unit"], unit),
        (words["convention"], facts.convention),
        (words["expected"], sign),
        (words["source"], facts.source),
        (words["note"], facts.note.get(language, "")),
    ]


def _operator(one: OperatorFacts, words: Mapping[str, str], language: str) -> list[str]:
    """Say how many rows a call needs; operators are documented in English, elsewhere their family stands."""
    rows = "" if one.window is None else words["rows"].format(one.minimum_rows, one.window)
    family = words["quarterly" if one.family == "statements" else one.family]
    meaning = one.meaning if language == "en" else family
    return [one.name, rows, meaning]


def _is_doubtful(factor: FactorSummary) -> bool:
    return any(factor.undefined.values())


def _doubts(factor: FactorSummary) -> str:
    each = [f"{n:,} {_UNDEFINED[k]}" for k, n in factor.undefined.items() if n]
    return f"{factor.name}: {', '.join(each)}; these are not known"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
