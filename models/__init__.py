"""Tensors to findings: backbones, memory, fusion, facts, reports."""
