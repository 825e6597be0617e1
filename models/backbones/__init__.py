"""Inputs to local features: planes of an image or a depth map, fixed filters, sensor features."""
