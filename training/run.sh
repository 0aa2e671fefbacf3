#!/usr/bin/env bash
# All of it: training/run.sh DATA RUNS BUNDLE. Run again after an interruption, it goes on where it stopped.
set -euo pipefail
data=$1 runs=$2 bundle=$3
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592

train() { [ -e "$runs/$1/model.pt" ] || python -m training.train --data "$data" --out "$runs/$1" --resume "${@:2}"; }
chat() {
  train "$1" --start "$runs/wide/model.pt" --teacher "$runs/wide/model.pt" --teacher-share 0.6 --epochs 3 --stop-after 3 \
    --wide-share 0.25 --chat-copies 3 --rate 1e-4 --head-rate 3e-4 --seed "$2"
}

train wide --epochs 2 --stop-after 1 --chat-copies 0
chat chat-14 14
chat chat-15 15
train last --start "$runs/chat-14/model.pt" --start "$runs/chat-15/model.pt" --teacher "$runs/wide/model.pt" --teacher-share 0.6 \
  --epochs 1 --stop-after 1 --wide-share 0.25 --chat-copies 3 --rate 4e-5 --head-rate 1e-4 --seed 16
python -m training.finish --data "$data" --run "$runs/last" --bundle "$bundle"
