"""Canaries: secret and personal values that nothing may show.

Each case hands canaries to one part of the library and makes it fail, or return something. One test
runs them all, and looks for canaries in everything that a log or an error tracker would print.
"""
