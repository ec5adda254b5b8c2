"""Lemmas about the leaf functions that specification and machine run on."""
