"""anomalib's PatchCore as a process: files that run in its environment, where the product is not installed."""
