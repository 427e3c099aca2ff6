"""The pages of the report, one file a page or a part of it."""
