"""Judge a factor: the tear sheet as numbers and as a page, honest about luck, costs and trials.

Run it from the project's folder: ``python examples/03_judge_a_factor.py``.
"""

# %% The market of the quickstart; made here if it is not there yet
import json
from pathlib import Path

import superhet as sh
from superhet.pipeline.factor_choice import FactorChoice
from superhet.pipeline.factor_report import Wanted, factor_report
from superhet.pipeline.factor_report_options import ReportOptions
from superhet.pipeline.simulate import simulated_store

store = Path("stores/quickstart")
if not store.exists():
    store.parent.mkdir(exist_ok=True)
    simulated_store(store, sh.SimulatedMarket())

# %% Two factors, held five sessions from the next open; the second is what everybody knows already
wanted = Wanted(
    choice=FactorChoice(
        formulas=["-ts_return(close, 5)", "log(market_cap)"], names=["reversal", "size"]
    ),
    options=ReportOptions(horizons=(5, 1, 20), language="both", mine=("market_cap",)),
)
out = Path("reports/judged")
board = factor_report(sh.Store.open(store), wanted, out)

# %% What came out, the naive t beside the honest one
for study in board.studies:
    rank, book = study.rank_ic, study.long_short
    print(
        f"{study.name}: RankIC {rank['mean']:+.4f}, t {rank['t_nw']:.1f} (naive {rank['t_naive']:.1f}), "
        f"adjusted p {study.significance['p_bh']:.4f}, direction {study.direction:+d}"
    )
    print(
        f"  Sharpe {book['gross']['sharpe']:+.2f} gross, {book['net']['sharpe']:+.2f} net, "
        f"turnover a session {book['turnover']:.1%}, breaks even at {1e4 * book['break_even']:.1f} bp"
    )

# %% The checks, the threshold beside the value; what is not known neither passes nor fails
for check in board.studies[0].checks:
    verdict = {True: "PASS", False: "FAIL", None: "n/a "}[check["pass"]]
    value = "–" if check["value"] is None else f"{check['value']:.4g}"
    print(f"  {verdict}  {check['rule']:<18} {value:>10}  ({check['bound']} {check['threshold']})")

# %% How long the forecast lasts, and how alike the second is to what one has
print(f"half-life of the reversal: {board.studies[0].half_life} sessions")
print(f"size beside one's own factors: {board.studies[1].library['correlation']}")

# %% Every number of the pages is in one file
facts = json.loads((out / "report.json").read_text(encoding="utf-8"))
print(
    f"{len(facts['factors'])} factors, {facts['facts']['sessions']} sessions; open {out / 'index.html'}"
)
