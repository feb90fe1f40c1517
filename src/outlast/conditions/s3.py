"""The condition `s3`: an object, something below a prefix, or a bucket is there. Speaks to any server that speaks S3, by boto3."""

from outlast.core.errors import UsageError
from outlast.core.ports import NOTHING, Seen, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCHEME = "s3://"
_HINT = "write it as in `s3://bucket/key`, `s3://bucket/prefix/` or `s3://bucket`"
_BUCKET = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
_NOT_THERE = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}


class S3Object:
    """Met while `s3://bucket/key` is an object, there is an object below `s3://bucket/prefix/`, or `s3://bucket` is a bucket.

    Server, region and credentials are what boto3 finds in the job's environment (AWS_ENDPOINT_URL, AWS_PROFILE, ~/.aws).
    """

    name = "s3"
    fast = False
    watch = NOTHING

    def check(self, word: str, cwd: str) -> str:  # noqa: ARG002  # it is the same everywhere
        """Return it as it is, a bucket without slash. Raises UsageError, also if boto3 is missing."""
        from importlib.util import find_spec

        bucket, key = _parts(word)
        if not 3 <= len(bucket) <= 63 or not _BUCKET.issuperset(bucket):
            raise UsageError(f"`{word}` does not name a bucket of S3", _HINT)
        if len(key.encode("utf-8", "surrogateescape")) > 1024:
            raise UsageError("a key of S3 has at most 1024 bytes", _HINT)
        if find_spec("boto3") is None:
            raise _without_boto3()
        return f"{_SCHEME}{bucket}/{key}" if key else f"{_SCHEME}{bucket}"

    def look(self, word: str) -> Seen:
        """Ask once."""
        try:
            import boto3  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError:
            raise _without_boto3() from None
        from botocore.exceptions import ClientError  # type: ignore[import-not-found,import-untyped,unused-ignore]

        bucket, key = _parts(word)
        try:
            there = _is_there(boto3.client("s3"), bucket, key)
        except ClientError as error:
            told = error.response.get("Error", {})
            if told.get("Code") not in _NOT_THERE:
                return Seen(met=False, text=one_line(f"S3 answers {told.get('Code')} {told.get('Message', '')}"))
            there = False
        return Seen(met=there, text=one_line(f"`{word}` is {'' if there else 'not '}there"))


def _is_there(client: "Any", bucket: str, key: str) -> bool:
    """Tell whether it is there. Raises ClientError."""
    if not key:
        client.head_bucket(Bucket=bucket)
    elif key.endswith("/"):
        return bool(client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents"))
    else:
        client.head_object(Bucket=bucket, Key=key)
    return True


def _parts(word: str) -> tuple[str, str]:
    bucket, _, key = word.removeprefix(_SCHEME).partition("/") if word.startswith(_SCHEME) else ("", "", "")
    return bucket, key


def _without_boto3() -> UsageError:
    return UsageError("the condition `s3` needs boto3", "`pip install 'outlast[s3]'`")
