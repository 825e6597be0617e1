"""Metrics of the workers: one object per role, given a registry (CONVENTIONS §7: base units, closed label sets)."""
