"""The condition `s3`, on a real server that speaks S3."""

import os
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest

from conditions.asking import ask
from outlast.conditions.s3 import S3Object
from outlast.core.errors import UsageError
from outlast.core.ports import Seen
from outlast.testing import check_condition

SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """The environment of a job that knows a server with a bucket and three objects."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        told = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }
        client = boto3.client(
            "s3", endpoint_url=told["AWS_ENDPOINT_URL"], aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
        )
        client.create_bucket(Bucket="data")
        for key in ("in.csv", "daily/1.csv", "größe x.csv"):
            client.put_object(Bucket="data", Key=key, Body=b"x")
        yield told
        server.communicate()


@pytest.fixture
def environment(variables: dict[str, str]) -> bytes:
    return b"".join(os.fsencode(f"{name}={value}\0") for name, value in variables.items())


def test_it_keeps_to_the_port(variables, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    check_condition(S3Object(), "s3://data/in.csv", "s3://data/out.csv")


@pytest.mark.parametrize(
    ("word", "met"),
    [
        ("s3://data/in.csv", True),
        ("s3://data/größe x.csv", True),
        ("s3://data/in", False),
        ("s3://data/daily/", True),
        ("s3://data/daily", False),
        ("s3://data/weekly/", False),
        ("s3://data", True),
        ("s3://nosuch", False),
        ("s3://nosuch/in.csv", False),
        ("s3://nosuch/daily/", False),
    ],
)
def test_what_is_there(environment, word, met):
    assert Seen(met=met, text=f"`{word}` is {'' if met else 'not '}there") == ask("s3", word, environment=environment)


def test_an_object_that_comes(environment, variables):
    assert not ask("s3", "s3://data/late", environment=environment).met
    client = boto3.client(
        "s3", endpoint_url=variables["AWS_ENDPOINT_URL"], aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
    )
    client.put_object(Bucket="data", Key="late", Body=b"x")
    assert ask("s3", "s3://data/late", environment=environment).met
    client.delete_object(Bucket="data", Key="late")


def test_nobody_listens(environment):
    seen = ask("s3", "s3://data/in.csv", environment=environment + b"AWS_ENDPOINT_URL=http://127.0.0.1:1\0")
    assert not seen.met
    assert seen.text.startswith("cannot be looked at: Could not connect")


def test_no_credentials():
    seen = ask("s3", "s3://data/in.csv", environment=b"AWS_EC2_METADATA_DISABLED=true\0HOME=/nonexistent\0")
    assert Seen(met=False, text="cannot be looked at: Unable to locate credentials") == seen


@pytest.mark.parametrize(
    "word", ["", "data/in.csv", "s3:/data", "s3://", "s3:///key", "s3://a/b", "s3://da ta/x", f"s3://data/{'k' * 1025}"]
)
def test_what_is_refused(word):
    with pytest.raises(UsageError):
        S3Object().check(word, "/")


def test_a_bucket_is_kept_without_a_slash():
    assert "s3://data" == S3Object().check("s3://data/", "/")
    assert "s3://data/a/" == S3Object().check("s3://data/a/", "/")


def test_without_boto3_the_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    for ask_without in (lambda: S3Object().check("s3://data", "/"), lambda: S3Object().look("s3://data")):
        with pytest.raises(UsageError, match=r"the condition `s3` needs boto3: `pip install 'outlast\[s3\]'`"):
            ask_without()
