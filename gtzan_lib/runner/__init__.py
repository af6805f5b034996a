"""Executing notebooks with checked parameters, and building the book from them."""
