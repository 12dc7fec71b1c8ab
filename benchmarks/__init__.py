"""Ours beside its peers, on the same machine, in the same run: `python -m benchmarks`. See README.md in this folder."""
