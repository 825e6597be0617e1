"""Sensor memories measured on recorded series: learn on the normal beginning, then count alarms row by row."""
