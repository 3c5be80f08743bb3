"""The check of the code's proportions counts what it says, and reports a limit that is exceeded."""

import ast

from tests.proportions import Count, function_lines

FUNCTION = '''
@decorated
def area(
    width: int,
    height: int,
) -> int:
    """The area.

    In pixels."""
    total = width * height
    return total
'''


def test_a_function_is_counted_without_its_decorator_and_docstring():
    assert function_lines(ast.parse(FUNCTION).body[0]) == 6


def test_a_limit_that_is_exceeded_is_reported():
    assert "EXCEEDED" in Count("lines", 41, 40).line()
    assert "EXCEEDED" not in Count("lines", 40, 40).line()
