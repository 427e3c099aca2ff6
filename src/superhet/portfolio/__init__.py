"""Alpha -> weights."""
