"""The Reconstruct page: uploaded and drawn images."""
