"""Credentials in the JSON that the control surface shows.

The control surface and its page show what services and tests sent: attributes, names and URLs.
Passwords and tokens in them are masked: the user information and the query of a URL, the password
of a SIP address, and the values of fields that are named like a credential. A single task or
worker is shown as it is, so that it can be changed.
"""

from __future__ import annotations

import re
from typing import Final

from reservation_core.domain.redaction import Sensitivity
from reservation_core.rest.bodies import Json

_HIDDEN: Final = str(Sensitivity.SECRET.value)
_CREDENTIAL: Final = "passw|secret|token|api_?key|authorization|credential"
_is_credential_name: Final = re.compile(_CREDENTIAL, re.IGNORECASE).search
_JSON_FIELD: Final = re.compile(
    rf'("[^"]*(?:{_CREDENTIAL})[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE
)
"""Matches a field of a JSON object in a text, such as the attributes in the form of a callback."""
_END: Final = r"\s\"'<>\\"  # characters that end a URL in a text
_USER: Final = re.compile(rf"(?<=://)[^/?#@{_END}]*@")
_QUERY: Final = re.compile(rf"(?<=://)([^?#{_END}]*)\?([^#{_END}]+)")
_SIP: Final = re.compile(rf"(?i)\b(sips?:[^:@{_END}]*):[^@{_END}]+@")


def hide_credentials(value: Json) -> Json:
    """Return JSON with its credentials masked."""
    if isinstance(value, str):
        return _hide_in_text(value)
    if isinstance(value, list):
        return [hide_credentials(each) for each in value]
    if isinstance(value, dict):
        return {
            name: _HIDDEN
            if isinstance(each, str) and _is_credential_name(name)
            else hide_credentials(each)
            for name, each in value.items()
        }
    return value


def _hide_in_text(text: str) -> str:
    if '":' in text:
        text = _JSON_FIELD.sub(rf'\1"{_HIDDEN}"', text)
    if "://" in text:
        text = _USER.sub(f"{_HIDDEN}@", _QUERY.sub(_hide_query, text))
    return _SIP.sub(rf"\1:{_HIDDEN}@", text) if "@" in text else text


def _hide_query(url: re.Match[str]) -> str:
    names = (field.partition("=")[0] for field in url[2].split("&"))
    return f"{url[1]}?{'&'.join(f'{name}=…' for name in names)}"
