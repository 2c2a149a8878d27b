"""Forms of instructions, with the numbers of the consent."""

from __future__ import annotations

from typing import Final

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.parity.scene import ParityScene

EXAMPLE_URL: Final = "https://example.com/parity"
"""A URL that serves no instructions to a call."""


def conference_form(
    scene: ParityScene, *more: tuple[str, str], has_caller: bool = True
) -> FormPairs:
    """Return the form of a conference with the number that may ring.

    :param more: parameters. One replaces that of the same name.
    :param has_caller: false to leave out the caller ID.
    :raises CouldNotTell: if there is no consent.
    """
    voice = scene.require_voice()
    caller = {"From": voice.caller} if has_caller else {}
    form = {"To": voice.callee, **caller, "Timeout": "10", **dict(more)}
    return (("Instruction", "conference"), *form.items())


def dequeue_form(scene: ParityScene, *, has_caller: bool = True) -> FormPairs:
    """Return the form of a dequeue to the number that may ring.

    :param has_caller: false to leave out the caller ID.
    :raises CouldNotTell: if there is no consent.
    """
    voice = scene.require_voice()
    caller = (("DequeueFrom", voice.caller),) if has_caller else ()
    to = ("DequeueTo", voice.callee)
    return (("Instruction", "dequeue"), to, *caller, ("DequeueTimeout", "10"))


def call_form(scene: ParityScene, *more: tuple[str, str]) -> FormPairs:
    """Return the form of a call to the number that may ring.

    :param more: further parameters.
    :raises CouldNotTell: if there is no consent.
    """
    voice = scene.require_voice()
    numbers = (("CallTo", voice.callee), ("CallFrom", voice.caller))
    return (("Instruction", "call"), *numbers, ("CallUrl", EXAMPLE_URL), *more)


def redirect_form(call_sid: str) -> FormPairs:
    """Return the form of a redirect of a call."""
    sid = ("RedirectCallSid", call_sid)
    return (("Instruction", "redirect"), sid, ("RedirectUrl", EXAMPLE_URL))


def supervise_form(supervisor: str) -> FormPairs:
    """Return the form of a supervise."""
    mode = ("SupervisorMode", "monitor")
    return (("Instruction", "supervise"), mode, ("Supervisor", supervisor))
