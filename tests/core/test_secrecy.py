"""Secrets are masked where somebody else will look; what tells nobody anything stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.secrecy import Mask, is_secret

STORED = (
    b"API_TOKEN=tok-123456\0DB_URL=postgres://u:hunter22@h/x\0PATH=/bin\0SHORT_KEY=ab\0PRIVATE_KEY=line-one-x\nline-two-x\0HOME=/home/me\0"
)


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "DB_PASSWORD", "MYPASSWORD", "githubToken", "--api-key", "AWS_SECRET_ACCESS_KEY", "client_secret", "X-Auth", "AUTH",
     "PG_PASS_1", "CREDENTIALS", "sessionCookie", "MYSQL_PWD", "GITHUB_PAT", "SENTRY_DSN", "X-Amz-Signature"],
)  # fmt: skip
def test_names_of_secrets(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["PATH", "KEYBOARD", "MONKEY", "key", "PWD", "OLDPWD", "PAT", "author", "SSH_AUTH_SOCK", "passenger", "TOKENIZER_THREADS", ""]
)
def test_other_names(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("x --password=abc y", "x --password=*** y"),
        ("x --password abc y", "x --password *** y"),
        ("x --password --other y", "x --password --other y"),
        ("TOKEN=abc cmd", "TOKEN=*** cmd"),
        ("error: token: abc", "error: token: ***"),
        ("postgres://me:pw1@host/db", "postgres://me:***@host/db"),
        ("-H 'Authorization: Bearer abcdefgh'", "-H 'Authorization: ****** ********'"),
        ("Authorization: Basic abcdefgh==", "Authorization: ***** **********"),
        ("curl -u me:abc http://h", "curl -u me:*** http://h"),
        ("curl -ume:abc --proxy-user=x:y http://h", "curl -ume:*** --proxy-user=x:* http://h"),
        ("sort -u a b: c", "sort -u a b: c"),
        ("h/x?a=1&sig=abc&b=2", "h/x?a=1&sig=***&b=2"),
        ("MYSQL_PWD=abc mysql", "MYSQL_PWD=*** mysql"),
        ("curl with Bearer abcdefgh12 x", "curl with Bearer ********** x"),
        ("the password is lost", "the password is lost"),
        ("says tok-123456 here", "says ********** here"),
        ("line-two-x", "**********"),
        ("ab /bin", "ab /bin"),
        ("", ""),
    ],
)  # fmt: skip
def test_texts(text, masked):
    assert masked == Mask([STORED]).text(text)


def test_words_of_a_command():
    mask = Mask((), [["t", "--pin-token", "two words", "--db-password=a b c d"]])
    assert ["t", "--pin-token", "*********", "--db-password=*******"] == mask.words(
        ["t", "--pin-token", "two words", "--db-password=a b c d"]
    )
    assert "t --pin-token '*********' '--db-password=*******'" == mask.text("t --pin-token 'two words' '--db-password=a b c d'")
    assert b"printed *********\n" == mask.output(b"printed two words\n")


def test_who_logs_in():
    assert ["curl", "-u", "me:***", "x:y", "-u", "me"] == Mask().words(["curl", "-u", "me:abc", "x:y", "-u", "me"])


def test_json():
    held = {
        "command": ["t", "--token", "x"],
        "params": {"password": "y", "n": "z"},
        "id": 3,
        "list": [{"TOKEN": "w"}],
        "none": None,
        "key": "k",
    }
    assert {
        "command": ["t", "--token", "*"], "params": {"password": "*", "n": "z"}, "id": 3, "list": [{"TOKEN": "*"}], "none": None, "key": "k"
    } == Mask().value(held)  # fmt: skip


def test_an_environment_keeps_its_names():
    told = Mask([STORED]).environment(STORED)
    assert {"API_TOKEN", "DB_URL", "PATH", "SHORT_KEY", "PRIVATE_KEY", "HOME"} == set(told)
    assert ("/bin", "/home/me", "(10 bytes, not shown)") == (told["PATH"], told["HOME"], told["API_TOKEN"])


@given(st.text(st.characters(codec="utf-8"), min_size=6, max_size=20), st.text(max_size=30), st.text(max_size=30))
def test_a_known_value_is_nowhere_and_nothing_else_changes_its_length(secret, before, after):
    mask = Mask([b"MY_TOKEN=" + secret.replace("\0", "0").encode() + b"\0"])
    raw = (before + secret.replace("\0", "0") + after).encode("utf-8", "surrogatepass")
    told = mask.output(raw)
    assert len(raw) == len(told)
    if set(secret) != {"*"}:
        assert secret.replace("\0", "0").encode() not in told


@given(st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_text_keeps_its_length(text):
    assert len(text.encode("utf-8", "surrogateescape")) == len(Mask([STORED]).text(text).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("piece", ["a", "a:", "://a:", "--a ", "x=", "Bearer ", "=:", "-a-", "token=", "token: "])
def test_long_texts_take_no_quadratic_time(piece):
    text = piece * (1_000_000 // len(piece))
    assert len(text) == len(Mask([STORED]).text(text))  # minutes, if it were
