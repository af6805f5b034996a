"""Hearing music as it is played: recording it, keeping it, and naming its genre."""
