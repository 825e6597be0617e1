"""From a map to regions, and from coarse regions to the pixels of the defect."""
