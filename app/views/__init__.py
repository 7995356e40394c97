"""The pages, one folder each: `page.py` and the parts that only this page has."""
