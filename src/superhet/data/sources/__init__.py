"""One file for each place data come from."""
