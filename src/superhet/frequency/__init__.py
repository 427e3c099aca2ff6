"""The mixer: many native clocks -> one decision clock."""
