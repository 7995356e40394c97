"""The Morph page: paths between codes, arithmetic, styles."""
