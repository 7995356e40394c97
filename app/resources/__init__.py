"""What is loaded once and shared by all sessions. Only this package caches."""
