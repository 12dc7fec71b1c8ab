"""The written documentation says what the code says."""

from docs import ops


def test_the_table_of_ops_is_fresh() -> None:
    assert ops.TARGET.read_text(encoding="utf-8") == ops.text(), "docs/ops.md is behind the registry: run `make docs`"
