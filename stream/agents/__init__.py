"""The loops of the workers: decode, call a pure step, await the effect."""
