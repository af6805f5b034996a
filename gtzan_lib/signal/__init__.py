"""What is computed from sound."""
