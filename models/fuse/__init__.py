"""From several modalities to one verdict."""
