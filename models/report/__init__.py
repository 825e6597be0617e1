"""Words for what was found."""
