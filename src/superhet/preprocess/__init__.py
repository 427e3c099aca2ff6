"""Cleaning the cross-section, date by date."""
