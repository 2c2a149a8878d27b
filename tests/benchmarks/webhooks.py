"""Row 13: verify a webhook's signature, beside the official validator.

Both know the token and get what a server received: URL, signature and body. The official validator
takes a parsed form, as frameworks hand it over, so the standard library parses it. Ours parses it
itself, and also finds out which URL was requested.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs, urlencode

import attrs

from reservation_core.rest.messages import FORM_CONTENT_TYPE
from reservation_core.webhooks import Forged, Verifier, Webhook, add_body_hash, sign
from reservation_core.webhooks.signature import SIGNATURE_HEADER
from tests.benchmarks import samples
from tests.benchmarks.measure import Comparison, Effort, clock
from tests.webhooks.referee import Fields, referee

_TOKEN: Final = "0123456789abcdef" * 2
_URL: Final = "https://hooks.example.com/assignment"
_FORM: Final = {
    "AccountSid": "AC" + "0123456789abcdef" * 2,
    "WorkspaceSid": samples.WORKSPACE,
    "WorkflowSid": "WW" + "0123456789abcdef" * 2,
    "TaskQueueSid": "WQ" + "0123456789abcdef" * 2,
    "TaskSid": samples.TASK,
    "TaskAttributes": (
        '{"from": "+15005550009", "language": "en", '
        '"call_sid": "CA0123456789abcdef0123456789abcdef", "note": "a=b&c"}'
    ),
    "TaskAge": "12",
    "TaskPriority": "0",
    "WorkerSid": samples.WORKER,
    "WorkerName": "Käthe Söhne",
    "WorkerAttributes": '{"contact_uri": "client:kaethe", "languages": ["de", "en"]}',
    "ReservationSid": samples.RESERVATION,
    "Timestamp": "1400000000",
}
"""An assignment callback's fields, and the worker's name besides."""


def verify(effort: Effort) -> list[Comparison]:
    """Verify an assignment callback, and a batch of Event Streams."""
    body = urlencode(_FORM).encode()
    batch = json.dumps([samples.BODY] * 10).encode()
    hashed = add_body_hash(_URL, batch)
    form = Webhook(
        _URL,
        {
            SIGNATURE_HEADER: sign(_URL, tuple(_FORM.items()), _TOKEN),
            "Content-Type": FORM_CONTENT_TYPE,
        },
        body,
    )
    stream = Webhook(
        hashed,
        {SIGNATURE_HEADER: sign(hashed, (), _TOKEN), "Content-Type": "application/json"},
        batch,
    )
    return [
        _compare(effort, "verify an assignment callback", form, _parse, reach=1.5),
        _compare(
            effort, "verify ten events as JSON", stream, bytes.decode, reach=1
        ),  # nearly all of it is the hash
    ]


def _parse(body: bytes) -> Fields:
    return Fields(parse_qs(body.decode(), keep_blank_values=True))


def _compare(
    effort: Effort,
    measure: str,
    webhook: Webhook,
    read: Callable[[bytes], Fields | str],
    *,
    reach: float,
) -> Comparison:
    """Compare both on a genuine webhook, after both refused a forged one.

    :param read: converts the body to what the official validator takes.
    """
    verifier, validator = Verifier(_TOKEN), referee(_TOKEN)
    signature = webhook.headers[SIGNATURE_HEADER]

    def ours() -> None:
        verifier.verify(webhook)

    def theirs(body: bytes = webhook.body) -> bool:
        return validator.validate(webhook.url, read(body), signature)

    ours()
    assert theirs()
    forged = webhook.body.replace(b"0", b"1")
    assert not theirs(forged)
    with suppress(Forged):
        verifier.verify(attrs.evolve(webhook, body=forged))
        raise AssertionError("a forged webhook was taken for genuine")
    return Comparison(
        row=13,
        measure=measure,
        against="official validator",
        ours=clock(ours, effort),
        peer=clock(theirs, effort),
        reach=reach,
    )
