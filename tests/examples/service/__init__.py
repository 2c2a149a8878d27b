"""A complete example service. ``python -m tests.examples.service`` shows it at work."""
