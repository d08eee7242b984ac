// Words and pieces as BERT's tokenizer of Hugging Face tokenizers cuts them.

const [WORD_PART, ALONE, BLANK, REMOVED] = [0, 1, 2, 3];
// Each Chinese character is a word.
const CHINESE = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u;

function bertWordPieces(described, vocabulary, characters) {
  const {lower, longest, continuation} = described, classes = new Runs(described.classes);
  const marks = described.marks && new Runs(described.marks);
  const cut = word => word.length > longest ? [[OOV, word.length]]
    : longestPieces(word, vocabulary, continuation);
  // what the words are made of: without marks, if accents are removed, and in lower case
  const lettersOf = character => {
    const parts = marks ? [...characters.decompose(character)].filter(c => !marks.at(c)) : [character];
    return lower ? parts.flatMap(part => [...characters.lower(part)]) : parts;
  };
  return normal => {
    const tokens = [];
    let word = [], places = [];
    const close = () => {
      let number = 0;
      for (const [id, length] of cut(word)) {
        tokens.push({id, at: places[number]});
        number += length;
      }
      [word, places] = [[], []];
    };
    normal.characters.forEach((character, at) => {
      const kind = classes.at(character), isChinese = CHINESE.test(character);
      if (kind === REMOVED) return;
      if (kind === BLANK || isChinese) close();
      if (kind === BLANK) return;
      for (const letter of lettersOf(character)) {
        const isAlone = isChinese || classes.at(letter) === ALONE;
        if (isAlone) close();
        word.push(letter);
        places.push(at);
        if (isAlone) close();
      }
    });
    close();
    return tokens;
  };
}

TOKENIZERS.bert_wordpiece = bertWordPieces;
