"""Programs that keep the books of a tape in an engine of their own; each file runs alone.

A program is started as `python PROGRAM.py TAPE_FOLDER BOOKS_FOLDER`. It needs its engine, numpy and
pyarrow, and nothing of this package: `superhet export` hands the same files to a user.
"""
