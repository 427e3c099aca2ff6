"""The trading rules of each market."""
