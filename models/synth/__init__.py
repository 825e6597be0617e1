"""Procedural parts: surfaces, depth, sensor traces and defects drawn from a seed (numpy and OpenCV only, no torch)."""
