"""Many signals -> one super-factor."""
