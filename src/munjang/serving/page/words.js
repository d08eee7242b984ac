// The page in English and Korean: one row per text, {names} stand for values.

const WORDS = {
  "view.try": ["Try a model", "모델 써 보기"],
  "view.runs": ["Runs", "실행 기록"],
  "view.run": ["{name}", "{name}"],
  "language": ["Language", "언어"],
  "key": ["Key of this server", "서버의 키"],
  "key.use": ["Use the key", "키 사용"],
  "key.hint": ["It is kept until this page is closed.", "이 페이지를 닫을 때까지만 기억합니다."],
  "model": ["Model", "모델"],
  "models.none": [
    "No model is served yet. One that is finished can be tried from the list of runs.",
    "아직 서비스하는 모델이 없습니다. 학습이 끝난 모델은 실행 기록에서 써 볼 수 있습니다.",
  ],
  "beside": ["Side by side with", "나란히 볼 모델"],
  "beside.none": ["no other model", "없음"],
  "submit": ["Answer", "답 보기"],
  "stop": ["Stop", "멈추기"],
  "retry": ["Try again", "다시 시도"],
  "enter.hint": [
    "Enter answers, Shift+Enter begins a new line.",
    "Enter를 누르면 답하고, Shift+Enter를 누르면 줄을 바꿉니다.",
  ],
  "facts": [
    "{task}, {architecture}, {parameters} parameters",
    "{task}, {architecture}, 매개변수 {parameters}개",
  ],

  "box.text": ["Text", "텍스트"],
  "box.first": ["First text", "첫째 텍스트"],
  "box.second": ["Second text", "둘째 텍스트"],
  "box.masked": ["Text with [MASK]", "[MASK]가 있는 텍스트"],
  "box.source": ["Text to translate", "번역할 텍스트"],
  "box.prompt": ["Beginning of the text (may be empty)", "텍스트의 시작(비워 둘 수 있음)"],
  "mask.insert": ["Insert [MASK]", "[MASK] 넣기"],

  "setting.stream": [
    "Show the text as it is written (greedy decoding)",
    "쓰이는 대로 보기(탐욕 디코딩)",
  ],
  "setting.tokens": ["Most tokens", "최대 토큰 수"],
  "setting.temperature": ["Temperature (empty: the model's own)", "온도(비우면 모델의 값)"],
  "setting.seed": ["Random seed (empty: another each time)", "난수 시드(비우면 매번 다름)"],

  "waiting.answer": ["Waiting for the answer", "답을 기다리는 중"],
  "waiting.seconds": [", {seconds} s", ", {seconds}초"],
  "waiting.text": ["Writing", "쓰는 중"],
  "stopped": ["Stopped.", "멈췄습니다."],
  "waiting.runs": ["Reading the runs", "실행 기록을 읽는 중"],
  "waiting.run": ["Reading the run", "실행 기록을 읽는 중"],
  "waiting.load": ["Loading the model", "모델을 불러오는 중"],
  "waiting.near": ["Looking for the nearest words", "가까운 단어를 찾는 중"],
  "waiting.models": ["Asking the server for its models", "서버에 모델을 묻는 중"],

  "answer": ["Answer:", "답:"],
  "answer.none": ["no label reaches its threshold", "임곗값에 이른 레이블이 없습니다"],
  "answer.other": ["as JSON", "JSON"],
  "answer.mask": ["[MASK] {number}:", "[MASK] {number}:"],
  "answer.no_mask": ["the text has no [MASK]", "텍스트에 [MASK]가 없습니다"],
  "answer.no_words": [
    "no word of the text has a vector",
    "텍스트에 벡터가 있는 단어가 없습니다",
  ],
  "answer.empty": ["an empty text", "빈 텍스트"],
  "truncated": [
    "The text was cut: the model does not read its end.",
    "텍스트가 잘렸습니다. 모델은 끝부분을 읽지 않습니다.",
  ],
  "written.stop": [
    "The text is complete: {tokens} tokens in {seconds} s.",
    "텍스트가 끝났습니다. {seconds}초에 토큰 {tokens}개를 썼습니다.",
  ],
  "written.length": [
    "Reached the limit: {tokens} tokens in {seconds} s.",
    "한도에 이르렀습니다. {seconds}초에 토큰 {tokens}개를 썼습니다.",
  ],

  "table.probabilities": ["Probabilities", "확률"],
  "table.scores": ["Scores", "점수"],
  "table.tokens": ["Tokens for [MASK] {number}", "[MASK] {number}의 토큰"],
  "table.words": ["Nearest words", "가까운 단어"],
  "table.near": ["Words nearest to {word}", "{word}에 가까운 단어"],
  "table.candidates": ["Candidates", "후보"],
  "table.shares": ["Shares of the words", "단어의 몫"],
  "table.ngrams": ["Shares of the n-grams", "n-gram의 몫"],
  "column.label": ["label", "레이블"],
  "column.probability": ["probability", "확률"],
  "column.score": ["score", "점수"],
  "column.value": ["value", "값"],
  "column.token": ["token", "토큰"],
  "column.word": ["word", "단어"],
  "column.cosine": ["cosine", "코사인"],
  "column.text": ["text", "텍스트"],
  "column.share": ["share", "몫"],
  "column.ngram": ["n-gram", "n-gram"],
  "column.filters": ["filters", "필터"],
  "row.value": ["number", "수"],
  "row.cosine": ["cosine of the vectors", "벡터의 코사인"],
  "row.base": ["base", "기준값"],
  "row.value_of_score": ["score", "점수"],
  "row.others": ["bag of n-grams, linear model", "n-gram 모음, 선형 모델"],
  "row.bias": ["bias", "편향"],
  "row.rest": ["other tokens", "그 밖의 토큰"],
  "more": ["{number} more", "그 밖에 {number}개"],

  "near": ["Nearest words", "가까운 단어"],
  "near.hint": ["Choose a word of the text.", "텍스트의 단어를 고르세요."],
  "near.best": ["Nearest:", "가장 가까운 단어:"],
  "near.none": ["No other word has a vector.", "벡터가 있는 다른 단어가 없습니다."],

  "why": ["Why this answer", "이 답의 이유"],
  "why.ask": ["Explain the answer", "답의 이유 보기"],
  "waiting.why": ["Computing the shares of the words", "단어의 몫을 계산하는 중"],
  "why.legend": [
    "share of a word in the score: blue raises it, brown lowers it",
    "점수에서 단어의 몫: 파란색은 올리고 갈색은 내립니다",
  ],
  "why.sum": ["{value} = base {base} {sign} words {sum}", "{value} = 기준값 {base} {sign} 단어 {sum}"],
  "why.lacking": [", and {lacking} that is not divided", ", 나뉘지 않은 {lacking}"],
  "why.without": [
    "{value}, {base} without any word",
    "{value}, 단어가 없으면 {base}",
  ],
  "why.method": [
    "Method {method}; baseline: {baseline}. Shares say what the model used, not what is true.",
    "방법 {method}, 기준: {baseline}. 몫은 모델이 쓴 것을 보일 뿐, 무엇이 참인지는 말하지 않습니다.",
  ],

  "error.unreachable": [
    "The server cannot be reached. Is it still running?",
    "서버에 연결할 수 없습니다. 아직 실행 중인지 확인하세요.",
  ],
  "error.cut": [
    "The connection ended before the text did.",
    "텍스트가 끝나기 전에 연결이 끊겼습니다.",
  ],
  "error.key": [
    "This server answers only with its key.",
    "이 서버는 키가 있어야 답합니다.",
  ],
  "error.key_wrong": ["The server does not accept this key.", "서버가 이 키를 받지 않습니다."],
  "error.stopping": ["The server is stopping.", "서버가 종료되는 중입니다."],
  "error.overloaded": [
    "Too many requests are waiting. Try again in {seconds} s.",
    "기다리는 요청이 너무 많습니다. {seconds}초 뒤에 다시 시도하세요.",
  ],
  "error.refused": ["The server refuses the request:", "서버가 요청을 받지 않습니다:"],
  "error.failed": ["The server failed:", "서버에 문제가 생겼습니다:"],
  "error.page": ["This page has a fault:", "이 페이지에 문제가 있습니다:"],

  "task.classify": ["classification", "분류"],
  "task.multilabel": ["several labels", "다중 레이블 분류"],
  "task.regress": ["regression", "회귀"],
  "task.similarity": ["similarity", "유사도"],
  "task.masked_lm": ["masked language model", "마스크 언어 모델"],
  "task.vectors": ["word vectors", "단어 벡터"],
  "task.language": ["language model", "언어 모델"],
  "task.translate": ["translation", "번역"],

  "kind.model": ["model", "모델"],
  "kind.comparison": ["comparison", "비교"],
  "kind.search": ["search", "탐색"],
  "kind.export": ["exported model", "내보낸 모델"],
  "kind.unknown": ["unknown", "알 수 없음"],
  "state.running": ["training", "학습 중"],
  "state.stopped": ["stopped", "중단됨"],
  "state.finished": ["finished", "끝남"],
  "state.damaged": ["damaged", "손상됨"],
  "state.waiting": ["waiting", "기다림"],
  "state.done": ["done", "끝남"],
  "state.failed": ["failed", "실패"],
  "unit.step": ["step {number}", "{number}단계"],
  "unit.run": ["{number} runs", "실행 {number}회"],
  "unit.model": ["{number} models", "모델 {number}개"],
  "unit.trial": ["{number} trials", "시도 {number}회"],
  "ago.now": ["just now", "방금"],
  "ago.minutes": ["{number} min ago", "{number}분 전"],
  "ago.hours": ["{number} h ago", "{number}시간 전"],
  "ago.days": ["{number} d ago", "{number}일 전"],
  "table.runs": ["Runs, the newest first", "실행 기록(최근 것부터)"],
  "column.run": ["name", "이름"],
  "column.kind": ["kind", "종류"],
  "column.state": ["state", "상태"],
  "column.progress": ["progress", "진행"],
  "column.best": ["best score", "최고 점수"],
  "column.changed": ["changed", "변경"],
  "runs.none": [
    "Nothing has been trained in this folder yet. A run appears here by itself.",
    "이 폴더에는 아직 학습한 것이 없습니다. 학습을 시작하면 여기에 저절로 나타납니다.",
  ],
  "runs.more": ["{number} older runs are left out.", "오래된 실행 기록 {number}개는 뺐습니다."],
  "runs.ended": ["{name}: {state}", "{name}: {state}"],
  "run.try": ["Try this model", "이 모델 써 보기"],
  "run.rate": ["{rate} {unit}/s", "초당 {rate} {unit}"],
  "run.best": ["best", "최고"],
  "run.at_step": ["at step {number}", "({number}단계)"],
  "run.at_trial": ["in trial {number}", "({number}번째 시도)"],
  "run.changed": ["changed", "변경"],
  "link.report": ["Report", "보고서"],
  "link.comparison": ["The whole comparison", "비교 전체"],

  "axis.step": ["Step", "단계"],
  "axis.seconds": ["Seconds", "초"],
  "axis.trial": ["Trial", "시도"],
  "part.train": ["train", "학습"],
  "part.valid": ["validation", "검증"],
  "curves.title": ["Learning curves", "학습 곡선"],
  "curves.none": ["No step has been recorded yet.", "아직 기록된 단계가 없습니다."],
  "curves.table": ["All points as a table", "모든 점을 표로 보기"],
  "chart.about": [
    "{name}: {number} points from {low} to {high}",
    "{name}: 점 {number}개, {low}~{high}",
  ],

  "compare.choice": ["Choice:", "선택:"],
  "compare.constant": ["No choice: every model is constant.", "선택 없음: 모든 모델의 답이 늘 같습니다."],
  "compare.current": ["The run that is under way", "진행 중인 실행"],
  "compare.machine": ["Times on {machine}; p50 and p99 of one row.", "측정한 컴퓨터: {machine}. p50과 p99는 한 행의 시간입니다."],
  "compare.seed": ["seed {number}", "시드 {number}"],
  "table.standings": ["Models, the best first", "모델(좋은 것부터)"],
  "table.compared": ["Runs of the comparison", "비교의 실행"],
  "column.model": ["model", "모델"],
  "column.seeds": ["over seeds", "시드 구간"],
  "column.rows": ["over rows", "행 구간"],
  "column.behind": ["behind the best", "최고와의 차이"],
  "column.verdict": ["verdict", "판정"],
  "column.parameters": ["parameters", "매개변수"],
  "column.size": ["folder", "폴더"],
  "column.training": ["training", "학습 시간"],
  "column.seed": ["seed", "시드"],
  "column.reason": ["reason", "이유"],
  "behind.most": ["{value} (at most {most})", "{value}(많아야 {most})"],
  "verdict.best": ["the best", "최고"],
  "verdict.worse": ["worse", "더 나쁨"],
  "verdict.slightly": ["worse within the margin", "여유 안에서 더 나쁨"],
  "verdict.good": ["good enough", "충분히 좋음"],
  "verdict.unclear": ["cannot tell", "알 수 없음"],
  "verdict.constant": ["constant", "늘 같은 답"],
  "verdict.as_trained": [" as trained", "(학습한 모델)"],

  "search.none": ["No trial has ended yet.", "아직 끝난 시도가 없습니다."],
  "search.trial": ["trial", "시도"],
  "search.so_far": ["best so far", "지금까지의 최고"],
  "search.more": ["{number} earlier trials are left out.", "앞선 시도 {number}회는 뺐습니다."],
  "table.settings": ["Settings of the best trial", "가장 좋은 시도의 설정"],
  "table.trials": ["Trials, the newest first", "시도(최근 것부터)"],
  "column.setting": ["setting", "설정"],
  "column.best_value": ["best", "최고"],
  "column.default": ["default", "기본값"],
  "column.importance": ["importance", "중요도"],
  "column.trial": ["trial", "시도"],
  "column.ended": ["ended", "결과"],
  "column.epochs": ["epochs", "에폭"],
  "column.steps": ["steps", "단계"],
  "column.seconds": ["seconds", "초"],
  "column.note": ["note", "비고"],
  "column.settings": ["settings", "설정"],
  "ended.best": ["best", "최고"],
  "ended.done": ["done", "끝남"],
  "ended.pruned": ["pruned", "가지치기됨"],
  "ended.failed": ["failed", "실패"],

  "metric.loss": ["loss", "손실"],
  "metric.learning_rate": ["learning rate", "학습률"],
  "metric.accuracy": ["accuracy", "정확도"],
  "metric.micro_f1": ["micro F1", "마이크로 F1"],
  "metric.macro_f1": ["macro F1", "매크로 F1"],
  "metric.subset_accuracy": ["subset accuracy", "부분 집합 정확도"],
  "metric.log_loss": ["log loss", "로그 손실"],
  "metric.calibration_error": ["calibration error", "보정 오차"],
  "metric.mae": ["MAE", "MAE"],
  "metric.rmse": ["RMSE", "RMSE"],
  "metric.spearman": ["Spearman", "스피어먼 상관"],
  "metric.pearson": ["Pearson", "피어슨 상관"],
  "metric.mrr": ["mean reciprocal rank", "평균 역순위"],
  "metric.r2": ["R2", "R2"],
  "metric.chrf": ["chrF", "chrF"],
  "metric.bleu": ["BLEU", "BLEU"],
  "metric.exact_match": ["exact match", "완전 일치"],
  "metric.sampled_loss": ["loss with negative sampling", "음성 표본 손실"],
  "metric.cross_entropy": ["cross-entropy", "교차 엔트로피"],
  "metric.perplexity": ["perplexity", "혼란도"],
  "metric.bits_per_character": ["bits per character", "문자당 비트"],
  "metric.bits_per_byte": ["bits per byte", "바이트당 비트"],
  "metric.pair_accuracy": ["accuracy of pairs", "짝 정확도"],
  "metric.cut_share": ["cut at the length limit", "길이 제한에서 잘린 비율"],
};

const LANGUAGES = ["en", "ko"];
let column = 0;

// The language of the browser if the page has it, else English.
export function preferred() {
  const wanted = navigator.language.slice(0, 2).toLowerCase();
  return LANGUAGES.includes(wanted) ? wanted : "en";
}

// Show the whole page in another language.
export function choose(language) {
  column = LANGUAGES.indexOf(language);
  document.documentElement.lang = language;
  refill(document);
}

// Show the texts within a node in the language of the page, which it may have missed while it was
// not part of the page.
export function refill(node) {
  for (const element of node.querySelectorAll("[data-words]")) fill(element);
}

export function hasWords(key) {
  return Object.hasOwn(WORDS, key);
}

// A new element with a text of the table, which changes with the language.
export function phrase(tag, key, values = {}) {
  const element = document.createElement(tag);
  rephrase(element, key, values);
  return element;
}

// Give an element another text of the table. A value {words: key} is a text of the table itself.
export function rephrase(element, key, values = {}) {
  element.dataset.words = key;
  element.dataset.values = JSON.stringify(values);
  fill(element);
}

function fill(element) {
  const values = JSON.parse(element.dataset.values ?? "{}");
  element.textContent = say(element.dataset.words, values);
}

function say(key, values) {
  return WORDS[key][column].replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return value?.words ? say(value.words, {}) : String(value);
  });
}
