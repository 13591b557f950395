#!/usr/bin/env bash
# Games, puzzles and pairs of moves that Stockfish makes, and the models that read the games: all in chess/.
#   tools/make_chess.sh FOLDER_OF_W2S
set -euo pipefail
w2s=$(realpath "$1")/w2s
cd "$(dirname "${BASH_SOURCE[0]}")/.."
play="--plies 40 --nodes 100"
for seed in 1 3; do "$w2s" chess games --out chess/games$seed.pgn --count 6000 --seed $seed $play; done
"$w2s" chess movetext chess/games1.pgn chess/games3.pgn --out chess/games.txt
"$w2s" chess puzzles --out chess/puzzles.jsonl --count 3000 --seed 2 $play --per-game 3 --check-nodes 12000
gzip -9nc chess/puzzles.jsonl >chess/puzzles.jsonl.gz
"$w2s" chess pairs chess/puzzles.jsonl --out chess/pairs.jsonl
"$w2s" tokenizer train --vocabulary 384 --out chess/tokenizer chess/games.txt
exec "$w2s" pretrain configs/chess/ladder.toml --out chess/ladder --dtype float16 --force
