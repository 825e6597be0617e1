"""Detectors that every other one has to beat, behind the same port."""
