"""The simulated market: tables of a whole market with planted alphas, and the truth behind them."""

from superhet.data.sources.simulated.recipe import SimulatedMarket
from superhet.data.sources.simulated.simulate import Simulation, simulate
from superhet.data.sources.simulated.truth import Truth, load_truth

__all__ = ["SimulatedMarket", "Simulation", "Truth", "load_truth", "simulate"]
