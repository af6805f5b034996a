"""What is learnt, and how it is judged."""
