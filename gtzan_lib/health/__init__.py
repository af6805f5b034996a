"""What may be wrong with the music."""
