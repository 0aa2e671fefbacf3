"""The lists of what is to be forgotten: what each is asked with. A list has a team, an hour (where it has one) and a name."""

from __future__ import annotations

from collections.abc import Callable

from llma.store.clickhouse.ddl import INDEX, stored
from llma.store.tables import USER_MESSAGES

NO_HOUR = "fromUnixTimestamp64Micro(toInt64(0), 'UTC') AS hour"
LINE = "concat(source, ':', toString(line), ':', sha256)"

# (columns of the row, list, columns of the list) -> whether the row is on it
Among = Callable[[str, str, str], str]


def in_traces(among: Among, column: str = "trace_id") -> str:
    return among(f"team_id, {column}", "trace", "team_id, name")


def in_places(among: Among, column: str = "trace_id") -> str:
    return among(f"team_id, hour, {column}", "place", "team_id, hour, name")


def lines(condition: str) -> str:
    return f"SELECT toInt64(0) AS team_id, {NO_HOUR}, {LINE} AS name FROM rejected_events WHERE {condition}"


def calls(condition: str) -> str:
    return f"SELECT team_id, {NO_HOUR}, toString(call_uuid) AS name FROM llm_calls WHERE {condition}"


def told_of(among: Among) -> str:
    return f"item != '' AND {in_traces(among, 'item')}"


def answers(among: Among) -> str:
    """An answer that labels several messages at once names none of them; those of the team go, and cost a question each."""
    teams = among("team_id", "trace", "team_id")
    return f"""SELECT DISTINCT team_id, {NO_HOUR}, request_hash AS name FROM llm_calls
        WHERE {told_of(among)} OR purpose = 'sentiment' AND {teams}"""


def texts(messages: str) -> str:
    """The texts to which no message refers any more when these have gone."""
    theirs = f"SELECT team_id, text_hash FROM {stored(USER_MESSAGES)} WHERE {messages} AND NOT deleted"
    return f"""SELECT DISTINCT team_id, {NO_HOUR}, text_hash AS name FROM ({theirs}) WHERE (team_id, text_hash) NOT IN (
        SELECT team_id, text_hash FROM user_messages WHERE NOT ({messages}) AND (team_id, text_hash) IN ({theirs}))"""


def again(events: str, among: Among) -> str:
    hours = among("team_id, hour", "hour", "team_id, hour")
    return f"SELECT DISTINCT team_id, hour, '' AS name FROM {INDEX} WHERE activity AND NOT ({events}) AND {hours}"


def untold(events: str, among: Among) -> str:
    return f"""SELECT DISTINCT team_id, at AS hour, '' AS name FROM (
        SELECT team_id, max(hour) AS at FROM {INDEX} WHERE activity AND NOT ({events}) AND {in_traces(among)}
        GROUP BY team_id, trace_id)"""
