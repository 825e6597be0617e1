"""Cameras that deliver complete files into a watched folder."""
