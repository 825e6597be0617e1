"""Tests of Lineside; tests/README.md says where a test goes."""
