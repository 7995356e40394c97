"""Turn arrays into pictures and charts."""
