"""The rules of the house that a program can check. Run by tools/lint.py; tested by tools/lint_test.py."""
