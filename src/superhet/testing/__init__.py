"""Markets and checks for tests, ours and strangers'."""
