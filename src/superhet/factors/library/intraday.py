"""Formulas of bars within the day: name | expected sign | meaning | source, and below it the formula.

Places are written for 15-minute bars of an A-share session: 16 bars, of which 8 before noon.
"""

INTRADAY = """
imbalance | + | volume of rising less falling bars, as a share | Chordia, Roll & Subrahmanyam 2002
    bar_sum(sign(close - open) * volume) / bar_sum(volume)
imbalance_ema_3 | + | the same, smoothed over about three days | Chordia, Roll & Subrahmanyam 2002
    ts_ema(bar_sum(sign(close - open) * volume) / bar_sum(volume), 3)
imbalance_decay_5 | + | the same, newest day weighs most | Chordia & Subrahmanyam 2004
    ts_decay_linear(bar_sum(sign(close - open) * volume) / bar_sum(volume), 5)
realised_volatility_5 | - | realised volatility of the bars | Andersen, Bollerslev, Diebold & Labys 2003
    ts_mean(sqrt(bar_sum(log(close / open) ^ 2)), 5)
realised_skew_5 | - | skewness of bar returns | Amaya, Christoffersen, Jacobs & Vasquez 2015
    ts_mean(bar_skew(log(close / open)), 5)
downside_share_5 | + | share of variance from falling bars | Barndorff-Nielsen, Kinnebrock & Shephard 2010
    ts_mean(bar_sum(minimum(log(close / open), 0) ^ 2) / bar_sum(log(close / open) ^ 2), 5)
last_hour_share_10 | - | share of volume in the last hour | Heston, Korajczyk & Sadka 2010
    ts_mean(bar_sum(volume, -4, -1) / bar_sum(volume), 10)
morning_share_10 | - | share of volume in the first hour | Heston, Korajczyk & Sadka 2010
    ts_mean(bar_sum(volume, 1, 4) / bar_sum(volume), 10)
last_half_hour_5 | - | return of the last half hour | Gao, Han, Li & Zhou 2018
    ts_mean(bar_last(close) / bar_first(open, -2, -1) - 1, 5)
morning_return_5 | - | return of the first hour | Gao, Han, Li & Zhou 2018
    ts_mean(bar_last(close, 1, 4) / bar_first(open, 1, 4) - 1, 5)
vwap_deviation_5 | - | last price against the day's average price | Berkowitz, Logue & Noser 1988
    ts_mean(bar_last(close) / (bar_sum(amount) / bar_sum(volume)) - 1, 5)
bar_price_volume_corr_10 | - | do bars trade more where prices are high | Llorente, Michaely, Saar & Wang 2002
    ts_mean(bar_corr(close, volume), 10)
up_volume_share_5 | + | share of volume in rising bars | Granville 1963
    ts_mean(bar_sum(close > open ? volume : 0) / bar_sum(volume), 5)
volume_concentration_10 | - | is volume packed into few bars | Herfindahl index of bar volume
    ts_mean(bar_sum(volume ^ 2) / bar_sum(volume) ^ 2, 10)
"""
