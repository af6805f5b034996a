"""Speed, measured as ratios or against the issue's own limits in one run; never a test."""
