"""Entry points of pytest and hypothesis, outside the package.

A test run that has the library installed and does not use it must not import it. So these modules
import nothing of the library at their top.
"""
