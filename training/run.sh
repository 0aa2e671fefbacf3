#!/usr/bin/env bash
# All of it: training/run.sh DATA RUNS BUNDLE. Run again after an interruption, it goes on where it stopped.
set -euo pipefail
data=$1 runs=$2 bundle=$3
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592

train() { [ -e "$runs/$1/model.pt" ] || python -m training.train --data "$data" --out "$runs/$1" --resume "${@:2}"; }

train r1 --epochs 2 --stop-after 1
train r2 --start "$runs/r1/model.pt" --epochs 3 --stop-after 3 --wide-share 0.4 --chat-copies 5 --rate 1e-4 --head-rate 3e-4 --seed 14
train r3 --start "$runs/r1/model.pt" --start "$runs/r2/model.pt" --teacher "$runs/r1/model.pt" --teacher "$runs/r2/model.pt" \
  --teacher-share 0.7 --teacher-temperature 1.2 --epochs 2 --stop-after 2 --wide-share 0.2 --chat-copies 4 --rate 7e-5 --head-rate 2e-4 --seed 15
python -m training.finish --data "$data" --run "$runs/r3" --bundle "$bundle"
