"""Published formulas, as data."""
