"""Benchmarks of speed: ratios of two times in one run, or times with a known limit; not tests."""
