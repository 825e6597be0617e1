"""Checks of the repository as a whole, and of the component starters."""
