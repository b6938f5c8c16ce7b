"""Answers of the operator's commands as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .tables import joined, listing, moment, table


def accounts(found: list[Any]) -> Iterator[str]:
    return table(found, {"address": "ACCOUNT", "balance": "DCC", "kind": "KIND"})


def account(found: dict[str, Any]) -> Iterator[str]:
    escrow = found["escrow"]
    held = f"{escrow['amount']} DCC for {escrow['jobs']} jobs"
    return listing({"account": found["address"], "balance": f"{found['balance']} DCC", "set aside": held})


def deposit(found: dict[str, Any]) -> Iterator[str]:
    if not found["deposited"]:
        yield "this deposit was made before"
    yield f"{found['address']} has {found['balance']} DCC"


def groups(found: list[Any]) -> Iterator[str]:
    return table(found, {"joinKey": "KEY", "id": "ID", "jobs": "JOBS", "owner": "OWNER", "name": "NAME"})


def group(found: dict[str, Any]) -> Iterator[str]:
    names = {"joinKey": "key", "id": "id", "name": "name", "owner": "owner", "description": "description"}
    yield from listing({title: found[name] for name, title in names.items() if name in found})
    if found.get("jobList"):
        yield ""
        yield from table(found["jobList"], {"job": "JOB", "status": "STATUS", "name": "NAME"})


def jobs(found: list[Any]) -> Iterator[str]:
    rows = [{**job, "progress": f"{job['done']}/{job['slices']}", "at": moment(job["created"])} for job in found]
    columns = {
        "job": "JOB", "status": "STATUS", "progress": "DONE", "out": "OUT", "price": "DCC/SLICE", "at": "CREATED",
        "owner": "OWNER", "name": "NAME",
    }  # fmt: skip
    return table(rows, columns)


def job(found: dict[str, Any]) -> Iterator[str]:
    states = joined(f"{count} {state}" for state, count in found["byState"].items())
    error = found["error"]
    yield from listing(
        {
            "job": found["job"], "id": found["id"], "name": found["name"], "status": found["status"],
            "slices": f"{found['done']} of {found['slices']} done", "by state": states,
            "more data come": found["open"], "price": f"{found['price']} DCC a slice",
            "set aside": f"{found['escrow']} DCC", "owner": found["owner"], "pays": found["payer"],
            "groups": joined(found["groups"]), "worktime": found["worktime"], "failures": found["failures"],
            "created": moment(found["created"]), "ended": moment(found["ended"]),
            "error": f"{error['code']}: {error['reason']}" if error else None,
            "message": error["message"] if error else None,
        }
    )  # fmt: skip
    if found["workers"]:
        yield ""
        yield from table(found["workers"], {"worker": "WORKER", "out": "OUT", "owner": "OWNER"})


def workers(found: list[Any]) -> Iterator[str]:
    rows = [
        {**worker, "at": moment(worker["seen"]), "lies": f"{worker['differed']}/{worker['judged']}"}
        for worker in found
    ]  # fmt: skip
    columns = {
        "worker": "WORKER", "connected": "CONNECTED", "out": "OUT", "results": "RESULTS", "lies": "DIFFERED",
        "banned": "BANNED", "at": "LAST SEEN",
        "accountEarned": "ACCOUNT EARNED", "account": "ACCOUNT", "owner": "IDENTITY",
    }  # fmt: skip
    return table(rows, columns)


def bans(found: list[Any]) -> Iterator[str]:
    return table(found, {"owner": "IDENTITY", "reason": "REASON"})


def audit(found: dict[str, Any]) -> Iterator[str]:
    looked = joined(f"{count} {name}" for name, count in found["looked"].items())
    if found["ok"]:
        yield f"all is right: {looked}"
        return
    yield from (f"wrong: {text}" for text in found["wrong"])
    yield f"{len(found['wrong'])}{' or more' if found['more'] else ''} findings in {looked}"


def packages(found: list[Any]) -> Iterator[str]:
    rows = [{**package, "size": sum(package["files"].values()), "count": len(package["files"])} for package in found]
    return table(rows, {"name": "PACKAGE", "version": "VERSION", "count": "FILES", "size": "BYTES", "owner": "OWNER"})
