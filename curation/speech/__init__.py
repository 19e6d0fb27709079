"""Dictation audio and its report become timed words and sentences."""
