"""Segment Anything: image encoders of four sizes, prompt encoder, mask decoder."""
