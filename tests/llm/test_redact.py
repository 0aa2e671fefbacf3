"""What is personal or secret leaves as a placeholder; what only looks like it stays."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.llm.redact import redacted

PRIVATE = {
    "mail ann.lee+shop@example.co.uk please": "mail [email_1] please",
    "<Müller@büro.example>": "<[email_1]>",
    'the "email": "noah_1@gmail.com" of it': 'the "email": "[email_1]" of it',
    "call +44 20 7946 0958 or": "call [phone_1] or",
    "call (415) 555-2671.": "call [phone_1].",
    "call 1-415-555-2671": "call [phone_1]",
    "call 415-555-2671, now": "call [phone_1], now",
    "Berlin 030 1234 5678": "Berlin [phone_1]",
    "my phone number is 4155552671": "my phone number is [phone_1]",
    r"\"phone_number\": \"4155552671\"": r"\"phone_number\": \"[phone_1]\"",
    "card 4111 1111 1111 1111, thanks": "card [card_1], thanks",
    "card 5555-5555-5555-4444": "card [card_1]",
    "amex 378282246310005": "amex [card_1]",
    "from 203.0.113.9 at": "from [ip_1] at",
    "http://10.1.2.3:8080/x": "http://[ip_1]:8080/x",
    "from 2001:db8::8a2e:370:7334.": "from [ip_1].",
    "IBAN DE89 3704 0044 0532 0130 00 of": "IBAN [iban_1] of",
    "key sk-proj-abcdefghij0123456789 here": "key [token_1] here",
    "AKIAIOSFODNN7EXAMPLE": "[token_1]",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789": "[token_1]",
    "Authorization: Bearer abcdef0123456789.ABCDEF": "Authorization: Bearer [token_1]",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dozjgNryP4J3jVmN": "[token_1]",
    'API_KEY="Zx81Spectrum48k"': 'API_KEY="[token_1]"',
    "password: hunter22x": "password: [token_1]",
    "postgres://ann:s3cret@db.local/x": "postgres://ann:[token_1]@db.local/x",
}

NOBODYS = (
    "order #W1234567, item 1008292230, reservation 4WQ150, user noah_brown_6181",
    "$1,204.09 and 2000.00 EUR, 15.5 %, 1e-10, 3.14159265358979",
    "2026-01-05T00:01:47.941Z and 2026-01-05 10:30 and 05/01/2026 and 12:30:45",
    "v1.2.3.4, version 10.0.0.1, Chrome/120.0.0.0, numpy==1.26.4.1, 127.0.0.1 and 0.0.0.0",
    "1.3.6.1.4.1.311.21.20",
    "8be048cc-22c3-5c5a-90c1-3705c1105126",
    "1700000000000 and 1767225600 and 4111111111111112",
    "std::vector<int> a::b dead::beef",
    "max_tokens: 2000, next_token: abc12345678, token_count=123456789",
    "password = get_password1(user)",
    "import x as sk; task-list-of-many-words-in-a-row",
    "git@github.com:ann/repo.git and logo@2x.png and @dataclass",
    "L12: Σ 0 1 2 3 4 5 6 7 8 9",
    "diff +2024-01-15 -2024-01-16",
    "DE12 is a postcode, ABCD 1234 is none",
)


@pytest.mark.parametrize(("said", "left"), PRIVATE.items())
def test_what_is_private_becomes_a_placeholder(said: str, left: str):
    assert redacted([said]) == [left]


@pytest.mark.parametrize("said", NOBODYS)
def test_what_is_nobodys_stays(said: str):
    assert redacted([said]) == [said]


def test_equal_values_get_equal_placeholders_in_all_texts_of_a_request():
    said = ["ann@example.com and bob@example.com", "ANN@example.com called (415) 555-2671", "415-555-2671"]
    assert redacted(said) == ["[email_1] and [email_2]", "[email_1] called [phone_1]", "[phone_1]"]


KEY = """L1: -----BEGIN RSA PRIVATE KEY-----
L2:   │ MIIEpAIBAAKCAQEA1234567890abcdefghijklmnop
L3:   │ short==
L4: -----END RSA PRIVATE KEY-----
L5: Please use this key with care and never send it to anyone at all thanks"""


def test_a_private_key_goes_line_by_line_so_that_line_numbers_stay():
    assert redacted([KEY]) == [
        KEY.replace("MIIEpAIBAAKCAQEA1234567890abcdefghijklmnop", "[private_key_1]").replace(
            "short==", "[private_key_1]"
        )
    ]


def test_a_private_key_that_was_cut_goes_as_far_as_it_is_one():
    text = "-----BEGIN PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA1234567890abcdefghijklmnop … and then we left"
    assert redacted([text]) == ["-----BEGIN PRIVATE KEY-----[private_key_1] … and then we left"]


@given(st.lists(st.text(alphabet=st.sampled_from("ab1+4@.:-() \n0\"'L=/_"), max_size=200), max_size=3))
def test_lines_stay_and_twice_is_as_once(texts: list[str]):
    once = redacted(texts)
    assert [text.count("\n") for text in once] == [text.count("\n") for text in texts]
    assert redacted(once) == once


@given(st.from_regex(re.compile(r"[a-z]{1,10}\.[a-z]{1,10}@[a-z]{2,10}\.(?:com|org|de)", re.ASCII), fullmatch=True))
def test_no_address_survives(address: str):
    assert address not in redacted([f"L1: write to {address}, or not"])[0]
