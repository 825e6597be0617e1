"""Composition root: command line, settings, virtual plant."""
