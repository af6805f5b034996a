"""The published run: what is measured on GTZAN, and kept in `results/gtzan`.

Steps measure on the recordings, or on what is made of them; their results are small
tables and records, from which the pages of the book are drawn without any recording.
"""
