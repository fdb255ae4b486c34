"""Fine-tuning: contamination check, training rows, LoRA, upload."""
