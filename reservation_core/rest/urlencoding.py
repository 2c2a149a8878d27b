"""Form encoding and decoding."""

from __future__ import annotations

import string
from typing import Final

from reservation_core.domain.commands.parsing import FormPairs

_MAX_FIELDS: Final = 1000
_PLAIN: Final = (string.ascii_letters + string.digits + "_.-~").encode()  # what stays as it is
_APART: Final = b"\t\n %"  # what has its own turn


def encode_form(pairs: FormPairs) -> bytes:
    """Encode a form as the official client does: UTF-8, a space as ``+``, ``~`` kept.

    The whole form is escaped at once, one kind of special byte at a time: eight times as fast as quoting each name and value.

    >>> encode_form((("To", "client:alice"), ("WaitUrl", "https://example.com/a b")))
    b'To=client%3Aalice&WaitUrl=https%3A%2F%2Fexample.com%2Fa+b'
    """
    text = "\n".join(map("\t".join, pairs)).encode()
    special = text.translate(None, delete=_PLAIN)
    if (
        special.count(b"\t") != len(pairs) or special.count(b"\n") != len(pairs) - 1
    ):  # a value holds one of the two that part them
        from urllib.parse import urlencode  # noqa: PLC0415 - rare, and the import is not small

        return urlencode(pairs).encode()
    text = text.replace(b"%", b"%25")  # before any code brings another one in
    special = special.translate(None, delete=_APART)
    while special:
        byte = special[:1]
        text, special = text.replace(byte, b"%%%02X" % byte[0]), special.replace(byte, b"")
    return text.replace(b" ", b"+").replace(b"\t", b"=").replace(b"\n", b"&")


"""Interpretation a command back, from a form or from an assignment callback's answer.

It says which command it is, what its fields hold, what is wrong with it and what is merely odd.

What the platform is known to tolerate is read with a caution; what would leave open what is meant is a violation.
"""


def decode_form(text: str) -> FormPairs:
    """Read a form as it was sent, in its order; a name without a value has an empty one (twice as fast as ``parse_qsl``).

    :raises ValueError: when what is escaped is no UTF-8, or there are more than a thousand fields.

    >>> decode_form("To=client%3Aalice&Note=a+b&Note=")
    (('To', 'client:alice'), ('Note', 'a b'), ('Note', ''))
    """
    from urllib.parse import unquote  # noqa: PLC0415 - whoever has forms to read has imported it

    fields = text.replace("+", " ").split("&")
    if len(fields) > _MAX_FIELDS:
        raise ValueError(f"a form of more than {_MAX_FIELDS} fields")
    pairs: list[tuple[str, str]] = []
    for field in filter(None, fields):
        name, _, value = field.partition("=")
        pairs.append(
            (name, value)
            if "%" not in field
            else (unquote(name, errors="strict"), unquote(value, errors="strict"))
        )
    return tuple(pairs)
