"""A map of a repository, built and asked inside the sandbox: which files and symbols a request is about.

``build`` reads a tree once and writes an index; ``rank`` answers from it. Files are parsed by tree-sitter
where there is a grammar, and read line by line where there is none. A plain directory, not part of the
``bot`` package at run time: it is started as ``python -I /opt/hob/guest/index``.
"""
