"""Diagrams of the lifecycle and tables of the parameters.

All are generated from the declarations in the code.
``python -m reservation_core.diagrams diagrams`` writes them into the folder ``diagrams``.

* ``labels``: labels and grouping that the others share
* ``svg``: the lifecycle as a picture
* ``graphs``: the lifecycle for Mermaid and Graphviz
* ``tables``: statuses and parameters as Markdown
"""
