"""Detectors measured on labelled data sets: layouts → draws of references → maps → figures → report."""
