"""The Train page: settings, controls, progress and replay of trainings."""
