"""The model folder: names of its files, manifest, lock, saving and loading."""
