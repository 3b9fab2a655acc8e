"""Filters on events: the operators, the fields, and a request's filters read into them."""
