"""The words of the formula language, by family."""
