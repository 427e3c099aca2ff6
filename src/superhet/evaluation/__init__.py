"""Is the factor any good, and what is it worth."""
