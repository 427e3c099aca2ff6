"""Ten lines: a minute factor on the simulated market, from formula to books.

Run it from the project's folder: ``python examples/01_ten_lines.py``. The first run simulates the market of
``examples/quickstart.yaml`` (some seconds) where it is not there yet; ``make demo`` makes the same one.
"""

# %% The market: 300 shares, four years of daily bars, 15-minute bars and statements
from pathlib import Path

import superhet as sh
from superhet.pipeline.simulate import simulated_store

store = Path("stores/quickstart")
if not store.exists():
    store.parent.mkdir(exist_ok=True)
    simulated_store(store, sh.SimulatedMarket())

# %% Ten lines
market = sh.load_market(sh.Store.open(store), sh.MarketRequest(intraday=("15min",)))
formula = "ts_ema(bar_sum(sign(close - open) * volume) / bar_sum(volume), 3)"
signal = sh.evaluate({"imbalance": formula}, market)["imbalance"]
for step in (sh.Winsorize(mad=5), sh.Neutralize(against=("industry", "size")), sh.Standardize()):
    signal = step.transform(signal, market)
target = sh.forward_returns(market, horizon=5, delay=1, entry="open")
print(sh.information(signal, target, horizon=5))
weights = sh.RankLongShort(max_turnover=0.2).weights(signal, market)
result = sh.NativeEngine(fill="open", capital=1e8).run(weights, market)
print(result)

# %% What to read in it
# RankIC is the mean over dates; t uses the Newey-West error, because horizons overlap. Gross is the same
# fills without costs. Each refused order is there with the rule that refused it:
print(result.refused_by_rule)
