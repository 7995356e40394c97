"""The Learn page: lessons, the method in six steps, and training inside the page."""
