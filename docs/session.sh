#!/usr/bin/env bash
# Rerun the commands of the pages, draw the pictures, and rewrite the generated parts. Needs the
# corpora nsmc, sst2, trec and others in MUNJANG_DATA (or in ../shared/data), and some minutes.
#
#     docs/session.sh                  all pages
#     docs/session.sh README.md        only these; a picture is drawn with its page
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
export MUNJANG_DATA="${MUNJANG_DATA:-$PWD/../shared/data}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
pages=("$@")
[ $# -gt 0 ] || pages=(README.md README.ko.md docs/{mean,cnn,rnn,lstm,gru,transformer,data,tokenizers,training,tasks,images,shapes,translate,seq2seq,attentive,explain,notebook,report,export-web,errors}.md)

"$python" docs/rerun.py "${pages[@]}"
"$python" docs/generate.py

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
for page in "${pages[@]}"; do
    case "$page" in
    README.md)
        cp "$("$python" -m munjang data get rotten-tomatoes-polarity)" "$scratch/reviews.csv"
        "$python" docs/images/session.py "$scratch" docs/images/session.svg \
            'munjang train reviews.csv --out my-model' \
            'munjang predict my-model "A warm, funny and beautifully acted film." "Too long and not funny."'
        ;;
    README.ko.md)
        head -n 20001 "$MUNJANG_DATA/nsmc/train.tsv" > "$scratch/리뷰.tsv"
        "$python" docs/images/session.py "$scratch" docs/images/session-ko.svg \
            'munjang train 리뷰.tsv --model mean --out 모델' \
            'munjang predict 모델 "정말 재미있게 봤어요" "시간이 아깝다"'
        ;;
    docs/explain.md)
        "$python" -m munjang train "$("$python" -m munjang data get names-ko)" --task translate --quiet \
            --model attentive --set tokenizer.target.name=jamo --set training.epochs=10 \
            --set training.batch_tokens=1000 --out "$scratch/names"
        "$python" -m munjang explain "$scratch/names" "Rivendell" --view attention --out docs/images/attention.svg
        "$python" -m munjang train "$MUNJANG_DATA/sst2/train.tsv" --valid "$MUNJANG_DATA/sst2/dev.tsv" \
            --quiet --model gru --out "$scratch/films"
        "$python" -m munjang explain "$scratch/films" "the film is long but the actors are wonderful" \
            --out docs/images/why.svg
        ;;
    docs/gru.md)
        for cell in rnn lstm gru; do
            "$python" -m munjang train "$MUNJANG_DATA/sst2/train.tsv" --valid "$MUNJANG_DATA/sst2/dev.tsv" --quiet \
                --model "$cell" --set model.bag_dim=0 --set model.directions=1 --set model.pooling=last \
                --set training.epochs=4 --out "$scratch/$cell"
        done
        "$python" -m munjang inspect "$scratch/rnn" "$scratch/lstm" "$scratch/gru" "$MUNJANG_DATA/sst2/dev.tsv" \
            --view memory --quiet --out docs/images/memory.svg
        ;;
    docs/lstm.md)
        "$python" -m munjang train "$MUNJANG_DATA/sst2/train.tsv" --valid "$MUNJANG_DATA/sst2/dev.tsv" \
            --quiet --model lstm --out "$scratch/films"
        "$python" -m munjang explain "$scratch/films" "the film is good but the actors are bad" \
            --view gates --out docs/images/gates.svg
        ;;
    docs/language.md)
        "$python" -m munjang compare "$MUNJANG_DATA/shakespeare/input.txt" --task language --quiet \
            --models kneser-ney --out "$scratch/compared" > /dev/null
        "$python" -m munjang explain "$scratch/compared/runs/kneser-ney/seed-0/model" \
            "But soft, what internet through yonder window breaks?" --out docs/images/surprisal.svg
        ;;
    esac
done
