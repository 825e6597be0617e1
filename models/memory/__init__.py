"""What normal looks like: whitening, bounded bank, exact search, leave-one-out calibration."""
