"""The committed benchmark: this library beside what one would use in its place, in one run, as ratios.

Run it from the checkout, with the ``dev`` extra installed and the machine otherwise idle (it takes about three minutes)::

    python -m tests.benchmarks                        # all rows; row 11 needs prism on the PATH to be whole
    python -m tests.benchmarks --rows 4,5 --rounds 31
    python -m tests.benchmarks --json > before.json   # a list of objects, one a comparison

How it measures: of each comparison ours and the peer take turns, a round each, so that a slow moment of the machine meets both. A
round of a timed call is a loop of about 20 ms, its length calibrated once; the collector is emptied before a round and rests during
it. What is printed is the median of the rounds (at least 7 say something), and the quotient of the two medians.

How to read it: ``4.3x`` means that the peer needs 4.3 times what we need, and more is better; only the imports are given as our share
of the peer's, and there less is better. ``reach`` is what must hold, ``aim`` what is hoped for; the last column says which of the two
this run met. Ratios travel between machines, figures do not.

How it stays honest: the peers are written as their users would write them, each says in its docstring what it does, and before a
comparison is measured both sides must give equal results: the same bytes, the same fields, the same refusals.

    rows.py      which comparisons there are, and what each is to reach
    measure.py   rounds, medians, loops; time, memory and import time
    samples.py   the conference, the reply and the reservation that all of them use
    report.py    the table
    lifecycle.py, conferences.py, replies.py, updates.py, network.py, imports.py, webhooks.py, books.py
                 ours and the peers, by topic
    emulators.py, emulated.py    row 11: the emulator and its peers, and the servers of it that are written in Python
    server.py    what rows 9 and 10 talk to
    replay.py    a command of its own: a million events into one book, and the memory that takes
"""

from tests.benchmarks.rows import run

__all__ = ["run"]
