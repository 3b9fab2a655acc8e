"""Trueline tells whether the decisions that AI makes on security alerts are right."""

__version__ = "0.1.0"
