"""The same graphs in other engines, each written as its own documentation writes them, each a program of its own.

`python -m benchmarks.peers.with_NAME GRAPH WORKERS` prints the seconds that the engine took. It imports `task` and the
engine it is about, nothing of flowpar; NAME.txt beside it says which release, and `environments` sets that up.
"""
