"""Any `tokenizers.Tokenizer` of Hugging Face as a tokenizer of the text input."""
