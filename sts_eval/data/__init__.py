"""From files to prompts: training rows, domain questions, and tokens whose spans are known."""
