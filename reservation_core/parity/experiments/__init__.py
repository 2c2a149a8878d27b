"""Experiments of a parity run: small functions, and tables that name them.

* ``model``: one experiment.
* ``instructions``: forms of instructions.
* ``settings``: one experiment for each observable setting of the emulator.
* ``voice_settings``: those settings that need a voice instruction.
* ``rules``: disputed, inferred and unknown rules.
* ``values``: values of parameters on which the sources disagree.
* ``lifecycle``: the commands that are carried out in each state.
* ``catalogue``: all of them, in the order of a run.
"""
