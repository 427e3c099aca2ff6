"""Configuration -> stages -> run folder."""
