"""The HTTP face of the use cases."""
