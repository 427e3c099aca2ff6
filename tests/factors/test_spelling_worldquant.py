"""The spelling of the 101 and the 191 alphas: every function that their formulas use, and what is refused."""

from __future__ import annotations

import pytest

from superhet.errors import FormulaError, LookAheadFormula
from superhet.factors import parse

FUNCTIONS_OF_101 = [
    ("rank(close)", "cs_rank(close)"),
    ("scale(close)", "cs_scale(close)"),
    ("scale(close, 2)", "2 * cs_scale(close)"),
    ("indneutralize(close, IndClass.sector)", "cs_group_demean(close, industry)"),
    ("IndNeutralize(close, IndClass.subindustry)", "cs_group_demean(close, industry)"),
    ("indneutralize(close, board)", "cs_group_demean(close, board)"),
    ("indneutralize(close, IndClass.sw1)", "cs_group_demean(close, sw1)"),
    ("abs(close)", "abs(close)"),
    ("Log(close)", "log(close)"),
    ("Sign(close)", "sign(close)"),
    ("SignedPower(close, 2.)", "signed_power(close, 2)"),
    ("delay(close, 1)", "ts_lag(close, 1)"),
    ("delta(close, 7)", "ts_delta(close, 7)"),
    ("correlation(open, volume, 10)", "ts_corr(open, volume, 10)"),
    ("covariance(open, volume, 5)", "ts_cov(open, volume, 5)"),
    ("decay_linear(close, 9)", "ts_decay_linear(close, 9)"),
    ("sum(returns, 250)", "ts_sum(returns, 250)"),
    ("product(close, 5)", "ts_product(close, 5)"),
    ("stddev(returns, 20)", "ts_std(returns, 20)"),
    ("ts_min(low, 5)", "ts_min(low, 5)"),
    ("ts_max(high, 5)", "ts_max(high, 5)"),
    ("Ts_Rank(close, 10)", "ts_rank(close, 10)"),
    ("Ts_ArgMax(close, 30)", "ts_idxmax(close, 30)"),
    ("Ts_ArgMin(close, 30)", "ts_idxmin(close, 30)"),
    ("cap", "market_cap"),
    ("adv20", "ts_mean(amount, 20)"),
    ("adv180 < volume", "ts_mean(amount, 180) < volume"),
]
FUNCTIONS_OF_191 = [
    ("RANK(CLOSE)", "cs_rank(close)"),
    ("STD(CLOSE,8)", "ts_std(close, 8)"),
    ("MEAN(VOLUME,20)", "ts_mean(volume, 20)"),
    ("MA(CLOSE,12)", "ts_mean(close, 12)"),
    ("CORR(HIGH,VOLUME,10)", "ts_corr(high, volume, 10)"),
    ("COVIANCE(HIGH,VOLUME,5)", "ts_cov(high, volume, 5)"),
    ("TSMAX(HIGH,6)", "ts_max(high, 6)"),
    ("TSMIN(LOW,6)", "ts_min(low, 6)"),
    ("TSRANK(VOLUME,5)", "ts_rank(volume, 5)"),
    ("PROD(CLOSE,5)", "ts_product(close, 5)"),
    ("DELAY(CLOSE)", "ts_lag(close, 1)"),
    ("DELAT(VWAP,1)", "ts_delta(vwap, 1)"),
    ("SMA(VOLUME,21,2)", "ts_sma(volume, 21, 2)"),
    ("SMEAN(CLOSE,12,1)", "ts_sma(close, 12, 1)"),
    ("WMA(CLOSE,12)", "ts_decay_exp(close, 12, 0.9)"),
    ("DECAYLINEAR(CLOSE,9)", "ts_decay_linear(close, 9)"),
    ("COUNT(CLOSE>OPEN,12)/12*100", "ts_count(close > open, 12) / 12 * 100"),
    ("SUMIF(VOLUME,20,CLOSE<OPEN)", "ts_sum(close < open ? volume : 0, 20)"),
    ("FILTER(CLOSE,CLOSE>OPEN)", "close > open ? close : nan"),
    ("SUMAC(CLOSE,48)", "ts_sum(close, 48)"),
    ("HIGHDAY(HIGH,20)", "ts_argmax(high, 20)"),
    ("LOWDAY(LOW,20)", "ts_argmin(low, 20)"),
    ("REGBETA(MEAN(CLOSE,6),SEQUENCE(6))", "ts_slope(ts_mean(close, 6), 6)"),
    ("REGBETA(CLOSE,SEQUENCE,20)", "ts_slope(close, 20)"),
    ("REGBETA(CLOSE,SEQUENCE(20),20)", "ts_slope(close, 20)"),
    ("REGBETA(RET,VOLUME,252)", "ts_beta(returns, volume, 252)"),
    ("REGRESI(CLOSE,SEQUENCE(20))", "ts_residual(close, 20)"),
    ("REGRESI(CLOSE,SEQUENCE,20)", "ts_residual(close, 20)"),
    ("REGRESI(RET,VOLUME,60)", "ts_regression_residual(returns, volume, 60)"),
    ("SQRT(CLOSE)+EXP(CLOSE)", "sqrt(close) + exp(close)"),
    ("STD(AMOUNT,6)", "ts_std(amount, 6)"),
    ("VOL/HGIH", "volume / high"),
    ("BANCHMARKINDEXCLOSE<BENCHMARKINDEXOPEN", "benchmark_close < benchmark_open"),
    ("DTM", "open <= ts_lag(open, 1) ? 0 : maximum(high - open, open - ts_lag(open, 1))"),
    ("DBM", "open >= ts_lag(open, 1) ? 0 : maximum(open - low, open - ts_lag(open, 1))"),
    (
        "TR",
        "maximum(maximum(high - low, abs(high - ts_lag(close, 1))), abs(low - ts_lag(close, 1)))",
    ),
    ("HD", "high - ts_lag(high, 1)"),
    ("LD", "ts_lag(low, 1) - low"),
]


@pytest.mark.parametrize(
    ("text", "same"),
    FUNCTIONS_OF_101 + FUNCTIONS_OF_191,
    ids=[t for t, _ in FUNCTIONS_OF_101 + FUNCTIONS_OF_191],
)
def test_every_function_is_one_of_ours(text: str, same: str) -> None:
    assert parse(text, "worldquant") is parse(same)
    assert parse(text.lower(), "worldquant") is parse(text.upper(), "worldquant")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("MAX(CLOSE,5)", "ts_max(close, 5)"),
        ("min(rank(close), 2)", "ts_min(cs_rank(close), 2)"),
        ("MAX(CLOSE-DELAY(CLOSE,1),0)", "maximum(close - ts_lag(close, 1), 0)"),
        ("MAX(0,HIGH-CLOSE)", "maximum(0, high - close)"),
        ("max(close, 1)", "maximum(close, 1)"),
        ("max(0.0001, close)", "maximum(0.0001, close)"),
        ("min(close, 2.5)", "minimum(close, 2.5)"),
        ("max(close, -5)", "maximum(close, -5)"),
        ("min(rank(open), rank(close))", "minimum(cs_rank(open), cs_rank(close))"),
    ],
)
def test_a_whole_number_of_at_least_two_is_the_window_of_min_and_max(text: str, same: str) -> None:
    assert parse(text, "worldquant") is parse(same)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("correlation(vwap, volume, 8.93345)", "ts_corr(vwap, volume, 8)"),
        ("delta(vwap, 1.29456)", "ts_delta(vwap, 1)"),
        ("sum(adv20, 14.7444)", "ts_sum(ts_mean(amount, 20), 14)"),
        ("ts_rank(close, 2 * 5)", "ts_rank(close, 10)"),
    ],
)
def test_windows_that_are_no_whole_numbers_are_rounded_down(text: str, same: str) -> None:
    assert parse(text, "worldquant") is parse(same)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("close > open ? 1 : -1", "close > open ? 1 : -1"),
        ("CLOSE=OPEN?0:CLOSE>OPEN?1:2", "close == open ? 0 : (close > open ? 1 : 2)"),
        ("(close < open) * -1", "(close < open) * -1"),
        ("close > 1 || close == 1 && open > 2", "close > 1 or (close == 1 and open > 2)"),
        ("(CLOSE>OPEN & VOL>1)OR(CLOSE<OPEN)", "(close > open and volume > 1) or close < open"),
        ("close^2^-1", "close ^ (2 ^ -1)"),
        ("-close^2", "-(close ^ 2)"),
        ("rank(close)^DELTA(close, 5)", "cs_rank(close) ^ ts_delta(close, 5)"),
        ("(CLOSE-LOW)./(HIGH-LOW).*VOLUME", "(close - low) / (high - low) * volume"),
        ("CLOSE.^2", "close ^ 2"),
        ("SUM(CLOSE，20)＞1？ 0：HIGH–LOW", "ts_sum(close, 20) > 1 ? 0 : high - low"),
        ("close + .001", "close + 0.001"),
        ("!(close > open)", "not (close > open)"),
    ],
)
def test_operators_bind_as_both_papers_write_them(text: str, same: str) -> None:
    assert parse(text, "worldquant") is parse(same)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (  # 1 of 101
            "(rank(Ts_ArgMax(SignedPower(((returns < 0) ? stddev(returns, 20) : close), 2.), 5)) - 0.5)",
            "cs_rank(ts_idxmax(signed_power(returns < 0 ? ts_std(returns, 20) : close, 2), 5)) - 0.5",
        ),
        (  # 62 of 101
            "((rank(correlation(vwap, sum(adv20, 22.4101), 9.91009)) < rank(((rank(open) +\n"
            "rank(open)) < (rank(((high + low) / 2)) + rank(high))))) * -1)",
            "(cs_rank(ts_corr(vwap, ts_sum(ts_mean(amount, 20), 22), 9)) < cs_rank(cs_rank(open) +"
            " cs_rank(open) < cs_rank((high + low) / 2) + cs_rank(high))) * -1",
        ),
        (  # 100 of 101, its first half
            "(1.5 * scale(indneutralize(indneutralize(rank(((((close - low) - (high - close)) / "
            "(high - low)) * volume)), IndClass.subindustry), IndClass.subindustry)))",
            "1.5 * cs_scale(cs_group_demean(cs_group_demean(cs_rank((close - low - (high - close)) / "
            "(high - low) * volume), industry), industry))",
        ),
        (  # 19 of 191
            "(CLOSE<DELAY(CLOSE,5)?(CLOSE-DELAY(CLOSE,5))/DELAY(CLOSE,5):(CLOSE=DELAY(CLOSE,5)?0:"
            "(CLOSE-DELAY(CLOSE,5))/CLOSE))",
            "close < ts_lag(close, 5) ? (close - ts_lag(close, 5)) / ts_lag(close, 5) : "
            "(close == ts_lag(close, 5) ? 0 : (close - ts_lag(close, 5)) / close)",
        ),
        (  # 149 of 191
            "REGBETA(FILTER(CLOSE/DELAY(CLOSE,1)-1,BANCHMARKINDEXCLOSE<DELAY(BANCHMARKINDEXCLOSE,1)),"
            "FILTER(BANCHMARKINDEXCLOSE/DELAY(BANCHMARKINDEXCLOSE,1)-1,"
            "BANCHMARKINDEXCLOSE<DELAY(BANCHMARKINDEXCLOSE,1)),252)",
            "ts_beta(benchmark_close < ts_lag(benchmark_close, 1) ? close / ts_lag(close, 1) - 1 : nan, "
            "benchmark_close < ts_lag(benchmark_close, 1) ? "
            "benchmark_close / ts_lag(benchmark_close, 1) - 1 : nan, 252)",
        ),
        (  # 182 of 191
            "COUNT((CLOSE>OPEN & BANCHMARKINDEXCLOSE>BANCHMARKINDEXOPEN)OR(CLOSE<OPEN &\n"
            "BANCHMARKINDEXCLOSE<BANCHMARKINDEXOPEN),20)/20",
            "ts_count(close > open and benchmark_close > benchmark_open or close < open and "
            "benchmark_close < benchmark_open, 20) / 20",
        ),
    ],
    ids=["1 of 101", "62 of 101", "100 of 101", "19 of 191", "149 of 191", "182 of 191"],
)
def test_published_formulas_read(text: str, same: str) -> None:
    assert parse(text, "worldquant") is parse(same)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("rnk(close)", 1, "unknown function 'rnk'; did you mean 'rank'"),
        ("cs_rank(close)", 1, "it is superhet's spelling, this text is read with 'worldquant'"),
        ("rank(sum(close, volume))", 17, r"sum\(x, d\): ts_sum: window must be a plain number"),
        ("RANK(CLOSE, 2)", 1, r"RANK is called as rank\(x\), got 2 arguments"),
        ("SUM(CLOSE)", 1, r"SUM is called as sum\(x, d\), got 1 argument"),
        ("MAX(CLOSE)", 1, r"called as max\(x, window\) or max\(x, y\), got 1 argument"),
        ("SUMAC(CLOSE)", 1, r"called as sumac\(x, d\), got 1 argument"),
        ("REGBETA(CLOSE,OPEN)", 1, "got 2 arguments"),
        ("REGBETA(CLOSE,SEQUENCE)", 15, "ts_slope: window must be a plain number"),
        ("REGRESI(RET,MKT,SMB,HML,60)", 1, "a regression has one explaining series"),
        ("sum(close, 0.5)", 12, "rounded down to 0"),
        ("sum(close, 0)", 12, "window must be at least 1, got 0"),
        ("adv0 + 1", 1, "window must be at least 1, got 0"),
        ("rank + 1", 1, r"rank is a function: rank\(x\)"),
        (
            "CLOSE>DELAY(CLOSE,1)?CLOSE*SELF:SELF",
            28,
            "SELF: a formula cannot refer to its own value",
        ),
        ("SEQUENCE(5) + CLOSE", 13, "takes a signal, not the name sequence"),
        ("SEQUENCE(CLOSE)", 1, "takes one whole number of days"),
        ("SEQUENCE(5)", 1, "a name that is no field gives no signal"),
        ("indneutralize(close, 3)", 22, "takes the name of a classification"),
        ("indneutralize(close, rank(close))", 22, "takes the name of a classification"),
        ("close.open + 1", 1, "cannot be the name of a field"),
        ("close ** 2", 8, r"a power is written \^"),
        ("$close", 1, "Qlib's spelling"),
        ("1 < close < 2", 11, "join two comparisons with '&&'"),
        ("(20-1)*(20-2)(CLOSE)", 14, r"did not expect '\(' here"),
        ("yoy + 1", 1, "cannot be the name of a field"),
        ("", 1, "expected a value"),
        ("__import__('os')", 1, "unknown function '__import__'"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text, "worldquant")
    assert caught.value.column + 1 == column


def test_a_delay_of_tomorrow_is_for_labels_alone() -> None:
    with pytest.raises(
        LookAheadFormula, match=r"delay\(x, d\): ts_lag\(close, -1\) reads the future"
    ):
        parse("delay(close, -1)", "worldquant")
    assert parse("delta(close, -1)", "worldquant", label=True).lookahead == 1
