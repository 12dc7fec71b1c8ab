"""Tools for testing differentiable code, ours and anyone's."""
