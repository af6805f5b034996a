"""What there is: audio files, collections of them, windows and splits."""
