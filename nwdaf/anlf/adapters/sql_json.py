"""Many values in one statement: in as one JSON list, out as one.

A list of parameters is rendered and parsed anew for each length of it. And Python's sqlite3 gives
the interpreter away before each row that it fetches: beside a busy event loop a thousand rows would
wait for it a thousand times.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, Text, bindparam, cast, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import Select, Subquery


class _Elements(FunctionElement[Any]):
    """The elements of a JSON list, as rows of one column, ``value``."""

    inherit_cache = True
    name = "json_elements"


class _Lists(FunctionElement[Any]):
    """All rows as one JSON list of lists; NULL or an empty list where there are none."""

    inherit_cache = True
    name = "json_lists"
    type = Text()


@compiles(_Elements, "sqlite")
def _(element: _Elements, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _(element: _Elements, compiler: Any, **options: Any) -> str:
    listed = compiler.process(element.clauses, **options)
    return f"json_array_elements_text(CAST({listed} AS JSON))"


@compiles(_Lists, "sqlite")
def _(element: _Lists, compiler: Any, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(_Lists, "postgresql")
def _(element: _Lists, compiler: Any, **options: Any) -> str:
    columns = compiler.process(element.clauses, **options)
    return f"CAST(json_agg(json_build_array({columns})) AS TEXT)"


def texts_of(parameter: str) -> Select[Any]:
    """The texts of the JSON list that is given for `parameter`, to be used behind IN."""
    return select(_elements(parameter))


def numbers_of(parameter: str) -> Select[Any]:
    """The whole numbers of the JSON list that is given for `parameter`."""
    return select(cast(_elements(parameter), BigInteger))


def as_lists(rows: Subquery) -> Select[Any]:
    """The rows as the text of one JSON list of lists; None or an empty list for no rows."""
    return select(_Lists(*rows.c))


def _elements(parameter: str) -> ColumnElement[Any]:
    elements = _Elements(bindparam(parameter, type_=String))
    value: ColumnElement[Any] = elements.table_valued("value").c.value
    return value
