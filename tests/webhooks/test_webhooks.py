"""The public names of the webhooks are pinned."""

from __future__ import annotations

import inspect

from reservation_core import webhooks

NAMES = {
    "ACKNOWLEDGEMENT",
    "ANSWER_TIMEOUT",
    "EVENT_TYPES",
    "EVENT_STATUSES",
    "Algorithm",
    "Assignment",
    "Attributes",
    "CallbackAnswer",
    "Deadline",
    "Event",
    "EventShape",
    "Forged",
    "Json",
    "Verifier",
    "Webhook",
    "answer",
    "read_assignment",
    "read_event",
    "read_events",
    "sign",
    "refuse_webhook",
    "add_body_hash",
}


def test_public_names_are_pinned() -> None:
    assert len(webhooks.__all__) == len(set(webhooks.__all__))
    assert set(webhooks.__all__) == NAMES
    public = {
        name
        for name, value in vars(webhooks).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == NAMES


def test_every_class_and_function_has_a_docstring() -> None:
    for name in sorted(NAMES):
        value: object = getattr(webhooks, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            text = inspect.cleandoc(value.__doc__ or "")
            assert text.split("\n\n")[0].rstrip()[-1] in ".:", name
