"""Speed of this package and of its peers, on the same arrays and the same architecture."""
