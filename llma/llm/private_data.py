"""The signs by which personal data and secrets are known: a pattern each, and a check of what it finds. Pure.

A trace is full of numbers that are nobody's: ids, order numbers, prices, versions, times. So each pattern wants a shape that
those do not have, or a check sum; what is only a number by itself stays.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """``value``: what makes two finds the same, None for a false one. ``signs``: without any of them in a text, nothing is.

    ``group`` is the part of a find that is replaced.
    """

    name: str
    pattern: re.Pattern[str]
    value: Callable[[re.Match[str]], str | None]
    signs: tuple[str, ...] = ()
    group: int = 0

    def possible(self, text: str) -> bool:
        return not self.signs or any(sign in text for sign in self.signs)


def _whole(match: re.Match[str]) -> str:
    return match[0]


# --- secrets ---

# To its end; where that is missing (long values are cut), as far as it looks like one.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY-----"
    r"((?:(?!-----)[\s\S]){16,20000}?(?=-----END)|(?:(?:\\[nr]|[^A-Za-z0-9+/=]|L\d{1,9}:){0,20}[A-Za-z0-9+/=]{24,100}){1,400})"
)
_JWT = re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]+)?")
_TOKEN = re.compile(
    r"""(?<![\w-])(?:
    sk-[\w-]{20,} | [spr]k_(?:live|test)_\w{16,} | gh[pousr]_[A-Za-z0-9]{30,} | github_pat_\w{22,} | glpat-[\w-]{20,}
    | xox[abeoprs]-[\w-]{10,} | (?:AKIA|ASIA)[0-9A-Z]{16} | AIza[\w-]{35} | ya29\.[\w-]{20,} | hf_[A-Za-z0-9]{30,}
    | gsk_[A-Za-z0-9]{40,} | npm_[A-Za-z0-9]{36} | pypi-[\w-]{50,} | SG\.[\w-]{16,}\.[\w-]{30,} | sntr[yu]s?_[\w=+/-]{30,}
    )(?![\w-])""",
    re.VERBOSE,
)
_TOKEN_SIGNS = (
    *(
        "sk-",
        "k_live_",
        "k_test_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xox",
        "AKIA",
        "ASIA",
    ),
    *("AIza", "ya29.", "hf_", "gsk_", "npm_", "pypi-", "SG.", "sntr"),
)
_BEARER = re.compile(r"\b(?:Bearer|Basic)[ ]+([A-Za-z0-9._~+/-]{16,}=*)")
# A name that says "secret", and a value that looks random: letters and digits, no spaces, no call of a function. The end of
# the name is what is searched for, all of it is then looked at: names are rare, and "(?i:" at each letter is slow.
_NAMED = re.compile(
    r"""[kKtTsSpP](?:(?<=[kK])[eE][yY]|(?<=[tT])[oO][kK][eE][nN]|(?<=[sS])[eE][cC][rR][eE][tT]|(?<=[pP])[aA][sS][sS][wW](?:[oO][rR])?[dD])
    (?=[\\"':=\s])\\?["']?\s{0,3}[:=]\s{0,3}\\?["']?
    ((?=[^\s"'\\]{0,200}\d)(?=[^\s"'\\]{0,200}[A-Za-z])[A-Za-z0-9+/=_.~!@\#$%^&*-]{8,200})(?![\w(\[])""",
    re.VERBOSE,
)
_SECRET_NAME = re.compile(
    r"(?<![a-z])(?:(?:api|private|(?:secret[_-]?)?access|secret|auth)[_-]?(?:key|token)|(?:refresh|session|bot)[_-]?token"
    r"|(?:client[_-]?)?secret|password|passwd)(?=\\?[\"']?\s{0,3}[:=])",
    re.IGNORECASE,
)


def _named(match: re.Match[str]) -> str | None:
    found = _SECRET_NAME.search(match.string, max(0, match.start() - 20), match.start(1))
    return match[1] if found else None


_URL_PASSWORD = re.compile(r"(?<=://)[^\s:/@\"']{1,64}:([^\s/@\"']{1,128})(?=@)")

# --- people ---

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[^\W\d_]{2,24}(?![\w@-])")
_NO_DOMAINS = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "ts", "css", "py", "html", "json"})
_NO_PEOPLE = frozenset({"git", "hg", "svn"})


def _email(match: re.Match[str]) -> str | None:
    name, _, domain = match[0].lower().partition("@")
    return None if name in _NO_PEOPLE or domain.rpartition(".")[2] in _NO_DOMAINS else f"{name}@{domain}"


# The patterns of numbers begin with their first character and look back over it: so the engine skips to the next digit at
# once, which makes them 3 times as fast as a look back first.
_IBAN = re.compile(r"[A-Z](?<![\w-].)[A-Z]\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?(?![\w-])")


def _iban(match: re.Match[str]) -> str | None:
    text = match[0].replace(" ", "")
    number = "".join(str(int(each, 36)) for each in text[4:] + text[:4])
    return text if 15 <= len(text) <= 34 and int(number) % 97 == 1 else None


_CARD = re.compile(
    r"[2-6](?<![\w.#$€£+-].)(?:\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}|(?<=3)\d{3}([ -]?)\d{6}\2\d{4,5})(?![\w%]|[.,-]\d)"
)
# Numbers that banks give out, with their lengths: https://en.wikipedia.org/wiki/Payment_card_number
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}"
)


def _card(match: re.Match[str]) -> str | None:
    digits = _digits(match[0])
    return digits if _ISSUED.fullmatch(digits) and _luhn(digits) else None


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[::-2]) + sum(doubled)) % 10 == 0


_IP4 = re.compile(r"\d(?<![\w.=~^-].)(?<![\w.)]/.)(?<![Vv]ersion .)\d{0,2}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w-]|\.\w)")
# global unicast, unique local, link local: what else reads as an address is a C++ name or a time
_IP6 = re.compile(r"[23fF](?<![\w:.].)[0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)")
_IP6_STARTS = re.compile(r"[23]|f[cd]|fe[89ab]", re.IGNORECASE)


def _ip4(match: re.Match[str]) -> str | None:
    """Nobody's: this machine, no machine, a mask. A leading zero is no address's."""
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return None
    return None if address.is_loopback or match[0].startswith(("0.", "255.")) else match[0]


def _ip6(match: re.Match[str]) -> str | None:
    try:
        return str(ipaddress.IPv6Address(match[0])) if _IP6_STARTS.match(match[0]) else None
    except ValueError:
        return None


_PHONE = re.compile(
    r"""[+(0-9](?<![\w.\#$€£/:,=+-].)(?:
    (?<=\+)[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,4}  # +44 20 7946 0958
    | (?<=\()[2-9]\d\d\)[ .-]?[2-9]\d\d[ .-]\d{4}                               # (415) 555-2671
    | (?<=1)[ .-]\(?[2-9]\d\d\)?[ .-][2-9]\d\d[ .-]\d{4}                        # 1-415-555-2671
    | (?<=[2-9])\d\d(?:-[2-9]\d\d-|\.[2-9]\d\d\.)\d{4}                         # 415-555-2671
    | (?<=0)\d{1,4}[ /-]\d{2,8}(?:[ -]\d{2,4}){0,4}                              # 020 7946 0958
    )(?![\w%]|[.,:/-]\d)""",
    re.VERBOSE,
)
# After a word that says so, a number by itself is one.
_NUMBER = re.compile(r"[+(\d](?<![\w.,/-].)(?:[ ().-]{0,2}\d){6,14}(?![\w%]|[.,]\d)")
_PHONE_WORD = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell|whatsapp|fax)(?:[ _-]?(?:number|no|nr|num))?\.?"
    r"(?:\\?[\"'])?\s{0,2}(?:[:=]|is\b|at\b)?\s{0,2}(?:\\?[\"'])?$",
    re.IGNORECASE,
)
_DATE = re.compile(r"\+?(?:\d{4}-\d\d-\d\d|\d\d?[-/ ]\d\d?[-/ ](?:19|20)\d\d)")


def _phone(match: re.Match[str]) -> str | None:
    digits = _digits(match[0])
    least = 8 if match[0].startswith("+") else 9 if match[0].startswith("0") else 10
    return None if _DATE.match(match[0]) or not least <= len(digits) <= 15 else digits


def _said_phone(match: re.Match[str]) -> str | None:
    if not _PHONE_WORD.search(match.string, max(0, match.start() - 40), match.start()):
        return None
    return None if _DATE.match(match[0]) else _digits(match[0])


_NO_DIGITS = re.compile(r"\D+")


def _digits(text: str) -> str:
    return _NO_DIGITS.sub("", text)


def _first_group(match: re.Match[str]) -> str:
    return match[1]


_SECRET_WORDS = ("key", "KEY", "Key", "secret", "SECRET", "Secret", "oken", "OKEN", "passw", "PASSW", "Passw")

# In this order: what is found first is not looked at again.
KINDS = (
    Kind("private_key", _PRIVATE_KEY, _first_group, ("PRIVATE KEY-----",), group=1),
    Kind("token", _JWT, _whole, ("eyJ",)),
    Kind("token", _TOKEN, _whole, _TOKEN_SIGNS),
    Kind("token", _BEARER, _first_group, ("Bearer ", "Basic "), group=1),
    Kind("token", _NAMED, _named, _SECRET_WORDS, group=1),
    Kind("token", _URL_PASSWORD, _first_group, ("://",), group=1),
    Kind("email", _EMAIL, _email, ("@",)),
    Kind("iban", _IBAN, _iban),
    Kind("card", _CARD, _card),
    Kind("ip", _IP4, _ip4, (".",)),
    Kind("ip", _IP6, _ip6, (":",)),
    Kind("phone", _NUMBER, _said_phone),
    Kind("phone", _PHONE, _phone),
)
