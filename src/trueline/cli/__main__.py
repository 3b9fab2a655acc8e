"""``python -m trueline.cli`` is ``trueline``."""

from trueline.cli import app

app(prog_name="trueline")
