#!/bin/sh
# The SAEs of the real matrix, from the folder that has models/ and data/. The first took 53 minutes on one busy core.
set -eu
TEXTS="--sft data/sft/gsm8k_817.jsonl --sft data/sft/pubmedqa_800.jsonl"
for file in data/sft_by_domain/*.jsonl; do TEXTS="$TEXTS --sft $file"; done
TEXTS="$TEXTS --domains data/mmlu_pro_large --domains data/mmlu_rest"
train() { # MODEL LAYER NAME TOKENS EPOCHS
    [ -e "saes/$3/sae_training.json" ] ||
        sts-eval sae train --model "models/$1" --layer "$2" $TEXTS --width 8x --k 64 --tokens "$4" --epochs "$5" \
            --batch 1024 --learning-rate 6e-4 -o "saes/$3"
}
train SmolLM2-135M-Instruct-Q4_1 15 smollm2-block15 700k 6
train SmolLM2-135M-Instruct-Q4_1 24 smollm2-block24 500k 4
train gemma-3-270m-Q4_K_M 11 gemma-block11 500k 4
