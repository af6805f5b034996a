"""Is the music fit to be used?"""
