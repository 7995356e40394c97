"""The Explore page: the map of the encoded test set."""
