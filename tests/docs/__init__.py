"""The documentation site: its build, its generated parts, and the tests of its pages."""
