"""From distances to places: zero-shot self-reference, thresholds."""
