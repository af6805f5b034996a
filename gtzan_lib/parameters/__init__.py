"""Declarations of notebook parameters, and checks before and during execution."""
