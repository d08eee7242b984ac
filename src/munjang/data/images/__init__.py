"""Images: from files to pixels, all of one size, with a class each."""
