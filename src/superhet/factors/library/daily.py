"""Formulas of daily bars: name | expected sign | meaning | source, and below it the formula."""

DAILY = """
reversal_5 | - | return of the last week | Lehmann 1990; Jegadeesh 1990
    ts_return(close, 5)
reversal_20 | - | return of the last month | Jegadeesh 1990
    ts_return(close, 20)
momentum_240 | + | return of the last year without the last month | Jegadeesh & Titman 1993
    ts_return(ts_lag(close, 20), 220)
momentum_60 | - | return of the last quarter without the last week | Jegadeesh & Titman 1993
    ts_return(ts_lag(close, 5), 55)
volatility_20 | - | deviation of daily returns over a month | Ang, Hodrick, Xing & Zhang 2006
    ts_std(returns, 20)
volatility_60 | - | deviation of daily returns over a quarter | Ang, Hodrick, Xing & Zhang 2006
    ts_std(returns, 60)
turnover_20 | - | mean share turnover over a month | Datar, Naik & Radcliffe 1998
    ts_mean(turnover, 20)
turnover_volatility_20 | - | unsteadiness of turnover | Chordia, Subrahmanyam & Anshuman 2001
    ts_std(turnover, 20) / ts_mean(turnover, 20)
abnormal_turnover | - | turnover of the week against the quarter | sign as measured on A-shares 2012-2020
    log(ts_mean(turnover, 5) / ts_mean(turnover, 60))
volume_price_corr_20 | - | do rises come with volume | Kakushadze 2016, cf. alpha 6
    ts_corr(returns, turnover, 20)
close_volume_corr_10 | - | correlation of price and volume ranks | Kakushadze 2016, alpha 3
    ts_corr(cs_rank(close), cs_rank(volume), 10)
amplitude_20 | - | mean daily range | Parkinson 1980
    ts_mean(high / low - 1, 20)
max_return_20 | - | greatest daily return of the month: lottery demand | Bali, Cakici & Whitelaw 2011
    ts_max(returns, 20)
illiquidity_20 | + | price impact of a unit of money | Amihud 2002
    log(ts_mean(abs(returns) / amount, 20))
skewness_60 | - | skewness of daily returns | Boyer, Mitton & Vorkink 2010
    ts_skew(returns, 60)
kurtosis_60 | - | fat tails of daily returns | Amaya et al. 2015
    ts_kurt(returns, 60)
gap_20 | - | distance from the monthly average price | Brock, Lakonishok & LeBaron 1992
    close / ts_mean(close, 20) - 1
trend_fit_60 | - | how straight the price path of a quarter was | Da, Gurun & Warachka 2014
    ts_rsquare(log(close), 60)
close_location_10 | - | where in the day's range prices close | Williams 1972
    ts_mean((2 * raw_close - raw_high - raw_low) / (raw_high - raw_low), 10)
overnight_20 | - | mean return from close to open | Lou, Polk & Skouras 2019
    ts_mean(open / ts_lag(close, 1) - 1, 20)
high_distance_240 | + | distance from the year's high | George & Hwang 2004
    close / ts_max(high, 240) - 1
downside_share_60 | + | share of variance from losses | Ang, Chen & Xing 2006
    ts_sum(minimum(returns, 0) ^ 2, 60) / ts_sum(returns ^ 2, 60)
vwap_gap_5 | - | close against the day's average price | Berkowitz, Logue & Noser 1988
    ts_mean(close / vwap - 1, 5)
size | - | logarithm of market capitalisation | Banz 1981; Fama & French 1993
    size
"""
