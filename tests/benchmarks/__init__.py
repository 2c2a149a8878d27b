"""The committed benchmark: this library beside its peers, as ratios of one run.

Run it from the checkout, with the ``dev`` extra installed and the machine otherwise idle. It takes
about four minutes::

    python -m tests.benchmarks                        # all rows; row 11 needs prism on the PATH
    python -m tests.benchmarks --rows 4,5 --rounds 31
    python -m tests.benchmarks --json > before.json   # a list of objects, one for each comparison

How it measures: ours and the peer take turns, one round each, so that a slow moment of the machine
meets both. A round of a timed call is a loop of about 20 ms, calibrated once. The garbage collector
runs before a round and rests during it. The table shows the medians of the rounds and their ratio.
At least 7 rounds say something.

How to read it: ``4.3 x`` means that the peer needs 4.3 times what we need, and more is better.
Imports, row 9's bare library and row 11's bare uvicorn are given as our share of the peer's, and
less is better. ``reach`` is the target, ``met`` says whether this run met it. Ratios travel between
machines, figures do not.

How it stays honest: the peers are written as their users would write them, and each docstring says
what its peer does. Before a comparison is measured, both sides must give equal results: the same
bytes, the same fields, the same refusals.

    rows.py      the comparisons, row by row
    measure.py   rounds, medians, loops, time, memory and import time
    samples.py   the conference, the reply and the reservation that all rows use
    report.py    the table
    lifecycle.py, conferences.py, replies.py, updates.py, network.py, imports.py, webhooks.py,
    books.py                      ours and the peers, by topic
    emulators.py, emulated.py    row 11: the emulator, its peers, and their servers
    server.py    the server of rows 9 and 10
    replay.py    a command of its own: a million events into one book
"""

from tests.benchmarks.rows import run

__all__ = ["run"]
