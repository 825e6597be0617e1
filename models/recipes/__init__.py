"""Recipes: one YAML per detector, holding every number and naming its parts."""

from models.recipes.loader import load_inspector

__all__ = ["load_inspector"]
