#!/usr/bin/env bash
# Pretrains the models of configs/ladder.toml into ladder/NAME, on WordNet's glosses (Debian's wordnet-base).
#   tools/make_ladder.sh FOLDER_OF_W2S [arguments of w2s pretrain, such as --model nano]
set -euo pipefail
w2s=$(realpath "$1")/w2s
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p ladder

# A line for each meaning: its words, a colon, its gloss.
LC_ALL=C awk '/^[0-9]/ {
  digits = "0123456789abcdef"
  count = 16 * (index(digits, substr($4, 1, 1)) - 1) + index(digits, substr($4, 2, 1)) - 1
  words = $5
  for (i = 1; i < count; i++) words = words ", " $(5 + 2 * i)
  gsub(/_/, " ", words)
  gsub(/\((a|p|ip)\)/, "", words)
  gloss = substr($0, index($0, " | ") + 3)
  sub(/ +$/, "", gloss)
  print words ": " gloss
}' /usr/share/wordnet/data.{noun,verb,adj,adv} >ladder/glosses.txt

"$w2s" tokenizer train --vocabulary 4096 --out ladder/tokenizer ladder/glosses.txt
exec "$w2s" pretrain configs/ladder.toml --out ladder --dtype float16 --force "$@"
