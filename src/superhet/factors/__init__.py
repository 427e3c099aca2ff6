"""Text -> expression -> plan -> values."""
