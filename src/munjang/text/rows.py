"""All training tokenizers by name, as lists and help texts read them: nothing is imported."""

TOKENIZERS: dict[str, str] = {
    "words": "munjang.text.words:WordTokenizer",
    "characters": "munjang.text.characters:CharacterTokenizer",
    "jamo": "munjang.text.jamo:JamoTokenizer",
    "bytes": "munjang.text.utf8_bytes:ByteTokenizer",
    "morphemes": "munjang.text.morphemes:MorphemeTokenizer",
    "bpe": "munjang.text.subwords.tokenizers:BpeTokenizer",
    "unigram": "munjang.text.subwords.tokenizers:UnigramTokenizer",
    "wordpiece": "munjang.text.subwords.tokenizers:WordPieceTokenizer",
    "bert_wordpiece": "munjang.text.huggingface.bert_wordpiece:BertWordPieceTokenizer",
    "huggingface": "munjang.text.huggingface.tokenizer:HuggingFaceTokenizer",
}
