"""Which layers of a network are hooked: 1-based, the published ones where nobody chooses."""

from wire.errors import ConfigurationError


def usual_layers(depth: int) -> tuple[int, ...]:
    """The published layers 3, 8 and 12 of 12, at the same shares of another depth."""
    return tuple(dict.fromkeys((max(1, round(depth / 4)), max(1, round(depth * 2 / 3)), depth)))


def chosen_layers(layers: tuple[int, ...] | None, depth: int) -> tuple[int, ...]:
    """``layers``, or the usual ones. ConfigurationError if one of them is not there, or twice."""
    chosen = layers or usual_layers(depth)
    if not all(1 <= layer <= depth for layer in chosen) or len(set(chosen)) < len(chosen):
        raise ConfigurationError([f"backbone.layers: {list(chosen)}, expected some of 1 to {depth}"])
    return chosen
