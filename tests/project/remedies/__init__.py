"""Followers of the remedies in error texts."""
