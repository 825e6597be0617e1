"""Benchmarks: what the product adds to the work that has to be done anyway, as ratios measured in one run."""
