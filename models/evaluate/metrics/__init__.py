"""Figures of merit from scores and labels, in bounded memory."""
