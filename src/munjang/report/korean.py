"""Korean sentences of pages, by their English ones."""

KOREAN: dict[str, str] = {
    # the report on a model
    "Report on {name}": "{name} 보고서",
    "Next step": "다음 할 일",
    "Alerts": "주의할 점",
    "No alerts.": "주의할 점이 없습니다.",
    "High": "높음",
    "Medium": "보통",
    "Low": "낮음",
    "The model": "모델",
    "folder": "폴더",
    "task": "과제",
    "architecture": "구조",
    "parameters": "매개변수",
    "labels": "레이블",
    "training rows": "학습 행",
    "training seconds": "학습 시간(초)",
    "Errors": "오류",
    "Calibration": "보정",
    "Likely wrong labels": "잘못되었을 가능성이 큰 레이블",
    "Why: the words that decided": "이유: 답을 정한 단어",
    "Contents": "차례",
    "place": "위치",
    "text": "텍스트",
    "given": "주어진 레이블",
    "suggested": "제안 레이블",
    "predicted": "예측",
    "probability": "확률",
    "answer": "답",
    "These rows are wrong; each word is shaded by what it gave to the answer.": (
        "아래 행은 모두 틀린 답입니다. 각 단어의 색은 그 단어가 답에 준 몫입니다."
    ),
    "{count:,} of {rows:,} rows; the model finds another label likelier.": (
        "{rows:,}행 가운데 {count:,}행. 모델은 다른 레이블이 더 그럴듯하다고 봅니다."
    ),
    "Nothing stands out: the worst rows below show what is left to gain.": (
        "두드러진 문제가 없습니다. 아래의 가장 나쁜 행에서 더 나아질 점을 볼 수 있습니다."
    ),
    "{score:.1%} of {rows:,} rows are right (95 % interval {low:.1%} to {high:.1%}).": (
        "{rows:,}행 가운데 {score:.1%}가 맞습니다(95 % 구간 {low:.1%}~{high:.1%})."
    ),
    "{share:.1%} are wrong with a probability of 90 % or more.": (
        "{share:.1%}는 90 % 이상의 확률로 답하고도 틀립니다."
    ),
    (
        "The mean absolute error on {rows:,} rows is {score:.4g} (95 % interval {low:.4g} to "
        "{high:.4g})."
    ): "{rows:,}행의 평균 절대 오차는 {score:.4g}입니다(95 % 구간 {low:.4g}~{high:.4g}).",
    # inside the network
    "Inside the network": "신경망 내부",
    "Of the first of {networks} networks that answer together.": (
        "함께 답하는 신경망 {networks}개 가운데 첫째의 것입니다."
    ),
    "Memory": "기억",
    "model": "모델",
    "weights": "가중치",
    "before training": "학습 전",
    "after training": "학습 후",
    "last state": "마지막 상태",
    "answer (its logit margin)": "답(로짓 마진)",
    "half-life": "반감기",
    "first quartile": "제1사분위수",
    "median": "중앙값",
    "third quartile": "제3사분위수",
    "longest distance": "가장 먼 거리",
    "texts": "텍스트 수",
    "Memory: gradients by distance": "기억: 거리에 따른 기울기",
    "tokens back": "앞선 토큰까지의 거리",
    "gradient of the state, relative": "상태의 기울기(상댓값)",
    "gradient of the answer, relative": "답의 기울기(상댓값)",
    "before training: half-life {life}": "학습 전: 반감기 {life}",
    "after training: half-life {life}": "학습 후: 반감기 {life}",
    (
        "How much the {what} changes with a token so many places back: the norm of its gradient "
        "with respect to the token's vector, on average over texts, divided by that one token "
        "back. The half-life is the distance within which half of all that reaches it from the "
        "tokens before lies."
    ): (
        "{what}의 변화를 앞선 토큰까지의 거리에 따라 보여 줍니다. 토큰 벡터에 대한 기울기의 "
        "노름을 텍스트마다 구해 평균하고, 한 토큰 앞의 값으로 나눕니다. 반감기는 앞선 토큰에서 "
        "오는 영향의 절반이 들어 있는 거리입니다."
    ),
    (
        "{name}: the training began from pretrained weights; the curve before training is of "
        "random ones."
    ): "{name}: 사전학습된 가중치에서 시작했으며, 학습 전 곡선은 무작위 가중치의 것입니다.",
    "Filters": "필터",
    "filter": "필터",
    "speaks for": "가리키는 답",
    "importance": "중요도",
    "threshold": "임계값",
    "texts that reach it": "임계값에 도달한 텍스트 비율",
    "highest n-grams": "값이 가장 큰 n-gram",
    "negative n-grams": "반례 n-gram",
    "{filters:,} filters over {texts:,} texts.": "텍스트 {texts:,}개에 대한 필터 {filters:,}개.",
    "The {shown} most important ones are shown; the JSON file has all.": (
        "가장 중요한 {shown}개만 보입니다. 전체는 JSON 파일에 있습니다."
    ),
    (
        "{share:.1%} of the answers stay if all maxima below their thresholds are replaced by "
        "their mean."
    ): "임계값 아래의 최댓값을 모두 그 평균으로 바꾸어도 답의 {share:.1%}는 그대로입니다.",
    (
        "The n-grams at which each filter is highest, the most important filters first. The shade "
        "of a token is its share in the pre-activation; a line below it marks a share below 0. A "
        "maximum below the threshold does not matter: texts that reach it get the filter's class "
        "in a share halfway between that of all texts and 1. A negative n-gram would reach it "
        "without one token."
    ): (
        "필터마다 값이 가장 큰 n-gram이며, 중요한 필터부터 보입니다. 토큰의 색은 활성화 이전 "
        "값에서 차지하는 몫이고, 밑줄은 그 몫이 음수라는 뜻입니다. 임계값 아래의 최댓값은 답에 "
        "영향이 없습니다. "
        "임계값에 도달한 텍스트가 필터의 답을 얻는 비율은 전체 텍스트에서의 비율과 1의 "
        "중간입니다. 반례 n-gram은 토큰 하나만 없으면 임계값에 도달합니다."
    ),
    "higher": "더 큼",
    "lower": "더 작음",
    # alerts
    (
        "The accuracy, {score:.1%}, is no better than answering the most frequent label each time "
        "({share:.1%})."
    ): "정확도 {score:.1%}는 가장 흔한 레이블로만 답할 때({share:.1%})보다 낫지 않습니다.",
    (
        "Look whether text and label columns are the right ones; then train longer, or compare "
        "architectures with munjang compare."
    ): (
        "텍스트 열과 레이블 열이 맞는지 확인하고, 더 오래 학습하거나 munjang compare로 구조를 "
        "비교하십시오."
    ),
    (
        "The accuracy, {score:.1%}, is lower than on the validation part of the training, "
        "{validation:.1%}."
    ): "정확도 {score:.1%}가 학습 때의 검증 정확도 {validation:.1%}보다 낮습니다.",
    (
        "These rows differ from the training data: compare lengths, OOV rates and labels below, "
        "and add such rows to the training data."
    ): (
        "이 행들은 학습 데이터와 다릅니다. 아래의 길이, OOV 비율, 레이블을 비교하고 이런 행을 학습 "
        "데이터에 더하십시오."
    ),
    (
        "The accuracy, {score:.1%}, is higher than on the validation part of the training, "
        "{validation:.1%}."
    ): "정확도 {score:.1%}가 학습 때의 검증 정확도 {validation:.1%}보다 높습니다.",
    "The model may have been trained on these rows. Use rows that it has not seen.": (
        "모델이 이 행으로 학습했을 수 있습니다. 모델이 본 적 없는 행을 쓰십시오."
    ),
    "{kind} {name}: {score:.3f} on {rows:,} rows, {rest:.3f} on all others.": (
        "{kind} {name}: {rows:,}행에서 {score:.3f}, 나머지에서 {rest:.3f}."
    ),
    "Add training rows like these, or have them answered by a person.": (
        "이런 행을 학습 데이터에 더하거나 사람이 답하게 하십시오."
    ),
    "{count:,} more slices are worse than the rest.": (
        "나머지보다 나쁜 부분이 {count:,}개 더 있습니다."
    ),
    "See the table of slices.": "부분별 표를 보십시오.",
    (
        "{rows:,} rows ({share:.1%}) have a label that the model contradicts with a probability of "
        "90 % or more: it may be wrong."
    ): (
        "{rows:,}행({share:.1%})의 레이블은 모델이 90 % 이상의 확률로 다르게 봅니다. "
        "잘못된 레이블일 수 있습니다."
    ),
    (
        "Read the first ones below; munjang label-issues lists those of the training data, and "
        "munjang relabel applies corrections."
    ): (
        "아래 첫 행들을 읽어 보십시오. 학습 데이터의 것은 munjang label-issues가 찾고, munjang "
        "relabel이 고친 것을 적용합니다."
    ),
    "{rows:,} rows have a text that is there again with another label.": (
        "{rows:,}행은 같은 텍스트가 다른 레이블로 또 있습니다."
    ),
    "No model can be right on all of them: decide on one label per text.": (
        "어떤 모델도 이 행을 모두 맞힐 수 없습니다. 텍스트마다 레이블을 하나로 정하십시오."
    ),
    "The probabilities are too high: the calibration error is {error:.3f}.": (
        "확률이 너무 높습니다. 보정 오차는 {error:.3f}입니다."
    ),
    "The probabilities are too low: the calibration error is {error:.3f}.": (
        "확률이 너무 낮습니다. 보정 오차는 {error:.3f}입니다."
    ),
    "munjang calibrate on these rows lowers it to about {after:.3f}.": (
        "이 행으로 munjang calibrate를 실행하면 약 {after:.3f}로 낮아집니다."
    ),
    "{rows:,} texts ({share:.1%}) are longer than the model reads; their ends are ignored.": (
        "텍스트 {rows:,}개({share:.1%})가 모델이 읽는 길이보다 깁니다. 끝부분은 무시됩니다."
    ),
    "{rows:,} texts are longer than the model reads; their ends are ignored.": (
        "텍스트 {rows:,}개가 모델이 읽는 길이보다 깁니다. 끝부분은 무시됩니다."
    ),
    "Train with a higher tokenizer.max_length.": "tokenizer.max_length를 늘려 학습하십시오.",
    "If the end matters, train with a higher tokenizer.max_length.": (
        "끝부분이 중요하면 tokenizer.max_length를 늘려 학습하십시오."
    ),
    "On average {share:.0%} of the tokens of a row are out of vocabulary.": (
        "한 행의 토큰 가운데 평균 {share:.0%}가 어휘에 없습니다."
    ),
    "Train on texts like these, or with tokenizer.name=bpe, which has few unknown tokens.": (
        "이런 텍스트로 학습하거나, 모르는 토큰이 적은 tokenizer.name=bpe를 쓰십시오."
    ),
    # kinds of slices
    "length": "길이",
    "OOV rate": "OOV 비율",
    "script": "문자",
    "file": "파일",
    "label": "레이블",
    # slices
    "1 to 10 characters": "1~10자",
    "11 to 20 characters": "11~20자",
    "21 to 50 characters": "21~50자",
    "51 to 100 characters": "51~100자",
    "101 to 200 characters": "101~200자",
    "201 to 500 characters": "201~500자",
    "501 to 1,000 characters": "501~1,000자",
    "1,001 to 5,000 characters": "1,001~5,000자",
    "5,001 characters or more": "5,001자 이상",
    "longer than the model reads": "모델이 읽는 것보다 긺",
    "none": "없음",
    "up to 10%": "10% 이하",
    "10% to 30%": "10~30%",
    "30% to 100%": "30~100%",
    "Hangul": "한글",
    "Latin": "라틴 문자",
    "Han and kana": "한자와 가나",
    "Cyrillic": "키릴 문자",
    "Arabic": "아랍 문자",
    "other letters": "다른 문자",
    "no letters": "글자 없음",
    # errors
    "Confusions": "혼동",
    "A number shows its rows in the list below.": "숫자를 누르면 아래 목록에 그 행만 보입니다.",
    "Show all.": "모두 보기.",
    "Slices": "부분별 점수",
    (
        "p is the probability of a slice so bad if it were like the rest, corrected for the number "
        "of slices (Holm). Those up to 0.05 come first."
    ): (
        "p는 그 부분이 나머지와 같을 때 이만큼 나쁠 확률로, 부분의 개수에 맞게 고친 값입니다"
        "(Holm). 0.05 이하인 부분이 먼저 옵니다."
    ),
    "Rows with the highest {loss}": "{loss} 값이 가장 큰 행",
    "log loss": "로그 손실",
    "log loss per label": "레이블당 로그 손실",
    "absolute error": "절대 오차",
    "accuracy": "정확도",
    "learning rate": "학습률",
    "mean absolute error": "평균 절대 오차",
    "slice": "부분",
    "rows": "행",
    "95 % interval": "95 % 구간",
    "the rest": "나머지",
    "given \\ predicted": "주어진 \\ 예측",
    "{rows:,} rows: {score_name} {score:.4f} ({low:.4f} to {high:.4f})": (
        "{rows:,}행: {score_name} {score:.4f}({low:.4f}~{high:.4f})"
    ),
    "{line}; no slice is worse than the rest beyond chance": (
        "{line}. 우연을 넘어 나머지보다 나쁜 부분은 없습니다"
    ),
    "{line}; worse than the rest beyond chance: {slices}": (
        "{line}. 우연을 넘어 나머지보다 나쁜 부분: {slices}"
    ),
    "{slices} and {count} more": "{slices} 외 {count}개",
    # calibration
    "{rows:,} rows": "{rows:,}행",
    "before": "보정 전",
    "after": "보정 후",
    "temperature": "온도",
    "calibration error": "보정 오차",
    "right answers, before the temperature": "맞은 답, 온도를 쓰기 전",
    "right answers, after the temperature": "맞은 답, 온도를 쓴 뒤",
    "mean": "평균",
    "right": "맞음",
    "Answers when the model may abstain": "모델이 답하지 않아도 될 때의 답",
    (
        "All limits hold at once with a probability of {level:.0%}, for rows like these. Area "
        "under the risk-coverage curve: {aurc:.4f}."
    ): (
        "이런 행에서는 모든 한계가 {level:.0%}의 확률로 함께 지켜집니다. 위험-응답률 곡선 아래 "
        "넓이: {aurc:.4f}."
    ),
    "answered": "답함",
    "wrong among them": "그 가운데 틀림",
    "limit": "한계",
    # a training
    "Training of {name}": "{name}의 학습",
    "This training is running.": "학습이 진행 중입니다.",
    "This training was stopped; the same command with --resume continues it.": (
        "학습이 멈추었습니다. 같은 명령에 --resume을 붙이면 이어집니다."
    ),
    "This training is finished.": "학습이 끝났습니다.",
    "The best {metric} on the validation part is {value:.4f}, at step {step:,}.": (
        "검증 데이터에서 가장 좋은 {metric}은(는) {step:,}단계의 {value:.4f}입니다."
    ),
    "No better one was found in the second half: it may be time to stop.": (
        "뒤 절반에서는 더 나아지지 않았습니다. 멈출 때일 수 있습니다."
    ),
    "step": "단계",
    "loss": "손실",
    "Curves": "곡선",
    "train": "학습",
    "valid": "검증",
    "tokens per second": "초당 토큰",
    "macro F1": "매크로 F1",
    "micro F1": "마이크로 F1",
    "perplexity": "퍼플렉시티",
    "cross-entropy": "교차 엔트로피",
}
