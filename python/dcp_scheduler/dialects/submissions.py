"""``submit@2`` of dcp-client 4 and ``submit@5`` of dcp-client 5, and data by value (``dcp-client/job``)."""

from __future__ import annotations

import re
from typing import Any

from dcp_protocol import kvin
from dcp_protocol.kvin import Constructed
from dcp_protocol.ranges.failures import RangeError
from dcp_protocol.ranges.rehydrate import rehydrate
from dcp_protocol.uris.data_uri import encode_data_uri

from ..errors import RefusedError
from ..model.requirements import Requirements
from ..model.submission import ALWAYS, Offer, Storage, Submission, Worktime
from ..store import amount
from .fields import Fields
from .requirement_objects import read_requirements
from .wishes import read_wishes

_ID = re.compile(r"[A-Za-z0-9]{20,40}", re.ASCII)
_LONGEST_CODE = 64 << 20
_LONGEST_URI = 10_000
_MOST_LOCAL = 100_000


def read_submission(data: object, dialect: int, owner: str) -> Submission:
    """Raises RefusedError."""
    fields = Fields(data, "the job")
    needs, discrete, use_strict = _needs(fields, dialect)
    local = fields.flag("localExec")
    inputs = None if local else fields.get("dataRange")
    pattern = fields.text("dataPattern", "", most=_LONGEST_URI)
    local_data, local_range = _local_data(fields) if local else ([], "")
    link, wishes = read_wishes(fields.text("link", "", most=10_000))
    return Submission(
        id=_identity(fields, "id" if dialect == 4 else "job"),
        dialect=dialect,
        owner=owner,
        payer=fields.address("paymentAccount"),
        code=fields.text("workFunctionURI", most=_LONGEST_CODE),
        arguments=_arguments(fields, _kvin_version(needs)),
        worktime=_worktime(fields),
        offer=_offer(fields),
        needs=needs,
        discrete=discrete,
        use_strict=use_strict,
        local=local,
        greedy=fields.flag("greedyEstimation"),
        is_open=fields.flag("isOpen"),
        sends_console=fields.flag("workerConsole"),
        estimation=_estimation(data),
        name=fields.text("name", "", most=10_000)[:255],
        description=fields.text("description", "", most=10_000),
        link=link,
        wishes=wishes,
        require_path=fields.texts("requirePath"),
        dependencies=fields.texts("dependencies"),
        storage=_storage(fields),
        inputs=inputs,
        pattern=pattern,
        slices=len(local_data) if local_data else _count(fields, inputs, pattern),
        local_data=local_data,
        local_range=local_range,
    )


def read_data(values: object, needs: int) -> list[str]:
    """URIs of the data of a pile, which is one value of KVIN, for a job with these needs. Raises RefusedError."""
    try:
        data = kvin.unmarshal(values)
    except kvin.KvinError as error:
        raise RefusedError("EKVIN", f"these data cannot be read: {error}") from None
    if not isinstance(data, list):
        raise RefusedError("EINVAL", "data come as a list")
    version = _kvin_version(needs)
    return [_uri(datum, version) for datum in data]


def _kvin_version(needs: int) -> kvin.Version:
    """In which values are written: workers read 9 where the job says that they must."""
    return 9 if Requirements.KVIN_V9 in Requirements(needs) else 8


def _uri(value: Any, version: kvin.Version) -> str:
    """A URL stands for what is there; a text that looks like a URI is a text."""
    if isinstance(value, kvin.URL):
        return str(value)
    if isinstance(value, Constructed) and value.constructor == "dcpUrl$$DcpURL":
        return str(value.arguments[0])
    try:
        kind = "application/x-kvin" if isinstance(value, str) else None
        text = kvin.serialize(value, version).decode() if kind else value
        return encode_data_uri(text, kind, kvin_version=version)
    except (TypeError, ValueError) as error:
        raise RefusedError("EKVIN", f"a datum cannot be written: {error}") from None


def _identity(fields: Fields, name: str) -> str:
    identity = fields.text(name)
    if not _ID.fullmatch(identity):
        raise fields.wrong(name, "20 to 40 letters and digits")
    return identity


def _needs(fields: Fields, dialect: int) -> tuple[Requirements, bool, bool]:
    if dialect != 4:
        bits = Requirements(fields.whole("requirements", 0, most=2**31))
        return bits, fields.flag("discrete"), fields.flag("useStrict")
    described = fields.inner("requirements")
    return read_requirements(described), described.flag("discrete"), described.flag("useStrict")


def _arguments(fields: Fields, version: kvin.Version) -> list[str]:
    marshaled = fields.get("marshaledArguments")
    if marshaled is None:
        return []
    try:
        arguments = kvin.unmarshal(marshaled)
    except kvin.KvinError as error:
        raise RefusedError("EKVIN", f"the arguments cannot be read: {error}") from None
    if not isinstance(arguments, list):
        raise fields.wrong("marshaledArguments", "a list")
    return [_argument(each, version) for each in arguments]


def _argument(value: Any, version: kvin.Version) -> str:
    """It is a URL, or an object with a text and its type."""
    if not isinstance(value, dict):
        return _uri(value, version)
    fields = Fields(value, "an argument")
    return encode_data_uri(fields.text("string", most=_LONGEST_CODE), fields.text("MIMEType"), kvin_version=version)


def _worktime(fields: Fields) -> Worktime:
    described = fields.inner("worktime")
    return Worktime(
        described.text("name", "map-basic", most=64),
        described.text("version", "^1.0.0", most=64),
        described.flag("custom"),
    )


def _offer(fields: Fields) -> Offer:
    try:
        return Offer(fields.number("mvMultSlicePayment"), amount.from_number(fields.get("absoluteSlicePayment") or 0))
    except ValueError as error:
        raise RefusedError("EINVAL", f"absoluteSlicePayment: {error}") from None


def _estimation(data: Any) -> int | None:
    """null is JavaScript's Infinity; what is absent the scheduler decides."""
    if "estimationSlices" not in data:
        return None
    if data["estimationSlices"] is None:
        return ALWAYS
    return Fields(data, "the job").whole("estimationSlices", most=1_000_000)


def _storage(fields: Fields) -> Storage:
    kind = fields.text("resultStorageType", "values")
    if kind not in ("values", "pattern"):
        raise fields.wrong("resultStorageType", "values or pattern")
    return Storage(kind, fields.text("resultStorageDetails", "", most=10_000), fields.mapping("resultStorageParams"))


def _count(fields: Fields, inputs: Any, pattern: str) -> int | None:
    if pattern:
        return fields.whole("sliceCount")
    if "rangeLength" in fields:
        return fields.whole("rangeLength")
    if inputs is None:
        return None
    try:
        return len(rehydrate(inputs))
    except (RangeError, OverflowError) as error:
        raise RefusedError("EINVAL", f"dataRange: {error}") from None


def _local_data(fields: Fields) -> tuple[list[str], str]:
    """Where the client has put its data, or else the range that they are. Lists are objects with a length here."""
    values, range_ = fields.inner("marshaledDataValues"), fields.inner("dataRange")
    count = values.whole("length", 0, most=_MOST_LOCAL)
    return [values.text(str(index), most=_LONGEST_URI) for index in range(count)], range_.text("0", "", _LONGEST_URI)
