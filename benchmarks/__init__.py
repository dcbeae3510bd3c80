"""What flowpar costs, as ratios measured in one run; `python -m benchmarks` prints them."""
