"""Starters of the real components that tests talk to: one file each."""
