"""A factor of your own: what it needs, how it looks, whether it forecasts, and how fast it fades.

Run it from the project's folder: ``python examples/02_own_factor.py``.
"""

# %% The market of the quickstart; made here if it is not there yet
from pathlib import Path

import numpy as np

import superhet as sh
from superhet.errors import LookAheadFormula
from superhet.pipeline.simulate import simulated_store
from superhet.preprocess import diagnose

store = Path("stores/quickstart")
if not store.exists():
    store.parent.mkdir(exist_ok=True)
    simulated_store(store, sh.SimulatedMarket())
market = sh.load_market(sh.Store.open(store), sh.MarketRequest(benchmark="SIM"))

# %% A formula says what it needs before anything is computed
# Turnover of the week against the quarter: who is traded more than usual?
formula = sh.parse("log(ts_mean(turnover, 5) / ts_mean(turnover, 60))")
print(f"{formula}\n  look-back {formula.lookback} sessions, fields {sorted(formula.fields)}")

# %% A formula that would look ahead is refused
try:
    sh.parse("ts_lag(close, -1)")
except LookAheadFormula as error:
    print(error)

# %% Its shape, and what to do about it
raw = sh.evaluate({"busy": formula}, market)["busy"]
print(diagnose(raw, market))

# %% Cleaned: outliers pulled in, industries and size taken out
signal = raw
for step in (sh.Winsorize(mad=5), sh.Neutralize(against=("industry", "size")), sh.Standardize()):
    signal = step.transform(signal, market)

# %% Does it forecast? Information coefficients and quantiles
target = sh.forward_returns(market, horizon=5, delay=1, entry="open")
found = sh.information(signal, target, horizon=5)
print(found)
print(sh.quantile_returns(signal, target, horizon=5, quantiles=5))

# %% How fast does it fade, and how much does it trade?
print(sh.ic_decay(signal, market))
kept = sh.rank_autocorrelation(signal)
print(f"rank autocorrelation from one date to the next: {np.nanmean(kept):.3f}")

# %% With a second signal: weights learned on the past only
other = sh.evaluate({"reversal": "-ts_return(close, 5)"}, market)["reversal"]
for step in (sh.Winsorize(mad=5), sh.Neutralize(against=("industry", "size")), sh.Standardize()):
    other = step.transform(other, market)
mixed = sh.walk_forward(
    sh.ICIRWeighted(),
    sh.Cube({"busy": signal, "reversal": other}),
    target,
    sh.WalkForward(train="1y", test="3m", purge="6d"),
    reach=6,
)
print(mixed)
print(sh.information(mixed.super_factor, target, horizon=5))
