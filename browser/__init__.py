"""The JavaScript of the panels: served by the app, embedded in exported pages."""

from pathlib import Path

ROOT = Path(__file__).parent
