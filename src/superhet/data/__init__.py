"""From the outside world to the store, and from the store to a Market."""
