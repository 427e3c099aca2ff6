"""Weights -> money, under the rules of the market."""
