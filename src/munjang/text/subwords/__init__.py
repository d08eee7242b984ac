"""BPE, unigram and WordPiece, by Hugging Face tokenizers."""
