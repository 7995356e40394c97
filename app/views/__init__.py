"""The pages, one folder each: `page.py` and the pieces that only this page has."""
