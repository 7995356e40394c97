"""The Compare page: the studies, and any two models side by side."""
