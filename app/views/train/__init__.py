"""Train: settings, controls, progress and replay of trainings."""
