"""The engines that can run a backtest."""
