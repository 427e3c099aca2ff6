"""Where data come from: files of any make, formats of other programs, vendors; a file or a folder each."""
