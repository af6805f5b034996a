"""Execution of notebooks with checked parameters, and the book built from them."""
