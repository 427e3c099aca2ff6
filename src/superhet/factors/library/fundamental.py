"""Formulas of statements: name | expected sign | meaning | source, and below it the formula."""

FUNDAMENTAL = """
sue | + | earnings surprise in its own deviations | Foster, Olsen & Shevlin 1984; Bernard & Thomas 1989
    sue(net_profit)
sue_revenue | + | revenue surprise in its own deviations | Jegadeesh & Livnat 2006
    sue(revenue)
profit_surprise | + | change of quarterly profit on the year, on equity | Foster, Olsen & Shevlin 1984
    change(quarterly(net_profit), 4) / latest(equity)
revenue_growth | + | growth of trailing revenue | Lakonishok, Shleifer & Vishny 1994
    yoy(ttm(revenue))
profit_growth | + | growth of trailing profit | Lakonishok, Shleifer & Vishny 1994
    yoy(ttm(net_profit))
roe | + | return on equity | Hou, Xue & Zhang 2015
    ttm(net_profit) / latest(equity)
roe_change | + | change of return on equity on the year | Novy-Marx 2015
    change(ttm(net_profit) / equity, 4)
cash_flow_quality | + | cash earned on assets | Sloan 1996
    quarterly(operating_cash_flow) / latest(total_assets)
accruals | - | profit that is not cash | Sloan 1996
    (ttm(net_profit) - ttm(operating_cash_flow)) / latest(total_assets)
gross_profitability | + | gross profit on assets | Novy-Marx 2013
    ttm(gross_profit) / latest(total_assets)
margin_change | + | change of the gross margin on the year | Abarbanell & Bushee 1998
    change(quarterly(gross_profit) / quarterly(revenue), 4)
leverage | - | liabilities on assets | Penman, Richardson & Tuna 2007
    latest(total_liabilities) / latest(total_assets)
asset_growth | - | growth of assets | Cooper, Gulen & Schill 2008
    yoy(total_assets)
ep | + | earnings yield | Basu 1977
    ttm(net_profit) / market_cap
bp | + | book-to-price | Fama & French 1992
    latest(equity) / market_cap
sp | + | sales-to-price | Barbee, Mukherji & Raines 1996
    ttm(revenue) / market_cap
"""
