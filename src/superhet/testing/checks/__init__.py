"""One battery a protocol: every implementation, ours or a stranger's, must pass it."""
