"""Answers and sentence vectors of many files: parts, several processes, resuming.

A file is cut into parts of a fixed number of rows. Each part is written beside its place and
renamed, so that it is there as a whole or not at all; what is done is read off the folder. Who did
it does not matter: a process of this machine, or a node of a cluster.
"""
