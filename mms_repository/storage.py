"""Where artifacts are kept, as one URL says it."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, urlsplit

_DEFAULT_REGION = "us-east-1"
_OPTIONS = frozenset({"endpoint", "region"})


@dataclass(frozen=True)
class S3Location:
    """A prefix in a bucket. An empty endpoint is Amazon's own of the region."""

    bucket: str
    prefix: str
    endpoint: str
    region: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """The location that ``s3://bucket/prefix?endpoint=http://host:port&region=…`` names.

        Raises:
            ValueError: It is none, with a clause that says why.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise ValueError(f"{url} is none; write s3://bucket/prefix, or leave it empty")
        if "@" in parts.netloc:
            raise ValueError("it holds credentials; set AWS_ACCESS_KEY_ID and its secret instead")
        options = parse_qs(parts.query, keep_blank_values=True)
        unknown = set(options) - _OPTIONS
        if unknown:
            raise ValueError(
                f"it has the option {min(unknown)}; known: {', '.join(sorted(_OPTIONS))}"
            )
        return cls(
            bucket=parts.netloc,
            prefix=parts.path.strip("/"),
            endpoint=options.get("endpoint", [""])[0],
            region=options.get("region", [_DEFAULT_REGION])[0],
        )
