"""Exploration of every run of a delivery within a bound.

Each verdict is judged by the journal of a small platform.

* ``platform``: the platform, with its unknown settings, and everybody else who writes
* ``network``: what happens to a request on its way, and what the client receives
* ``cases``: commands, first states, versions and policies
* ``explorer``: the exploration of one case with the real delivery
* ``verdicts``: the judgement of what a delivery says

Bounds that are not arguments:

* A proxy repeats a request at once: no one else acts between the two copies.
* A request without a version is not copied if the state does not prevent a second act, or if the
  lifecycle does not have the command in its first state.
* A sole writer holds the current version at first.
* A fetch fails or shows an old state only where refusals are worded as they were observed, and
  where the platform does not carry out what no source allows. It carries that out once.
"""
