"""The user's cuts: expressions over columns, checked before there is data and safe to evaluate."""

import ast
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from hoag.options import ConfigError, unknown

_OPERATORS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_FUNCTIONS = {"abs": np.abs, "sqrt": np.sqrt, "log10": np.log10}
_TESTS = {"isnull": np.ma.getmaskarray, "isfinite": lambda x: np.isfinite(_number(x)).filled(False)}
_TRUTHS = dict.fromkeys(("t", "true", "yes", "y"), True)
_TRUTHS |= dict.fromkeys(("f", "false", "no", "n"), False)
_ALLOWED = (
    "columns, numbers, text, comparisons, and, or, not, in [...], + - * / // % ** & |, "
    + ", ".join(f"{f}()" for f in (*_FUNCTIONS, *_TESTS))
)


def select(frame: pd.DataFrame, expressions: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the rows for which every expression holds.

    Parameters
    ----------
    frame
        (n, k) table.
    expressions
        Such as ``20.0 < i < 20.5``, ``isprimary``, ``not flag and (r - i) < 1.2``,
        ``label == "odd"``, ``kind in ["a", "b"]``, ``flags & 4 == 0``, ``isfinite(z)``. A column
        whose name is no Python name stands between backticks: ```` `g-r` < 0.5 ````. Applied in
        order.

    Returns
    -------
    selected : the rows left, with the index (row number in the file) that they had
    cuts : columns ``cut``, ``n_before``, ``n_after``, a row for each expression

    Raises
    ------
    ConfigError
        As `check_expressions`, and where text is compared with a number.

    Notes
    -----
    Every comparison with NaN or null is false, ``!=`` and ``not in`` too; ``not`` turns that
    into true, as it does in numpy. Where a truth value is wanted, null is false, numbers are
    true unless zero, and text may be t/f, true/false, yes/no in any case. Dates and the like
    count as text.
    """
    check_expressions(expressions, frame.columns)
    rows = []
    for expression in expressions:
        keep = _holds(expression, frame)
        rows.append((expression, len(frame), int(keep.sum())))
        frame = frame[keep]
    cuts = pd.DataFrame(rows, columns=["cut", "n_before", "n_after"])
    return frame, cuts.astype({"cut": "str", "n_before": np.int64, "n_after": np.int64})


def check_expressions(expressions: Sequence[str], columns: Iterable[str]) -> None:
    """Check that each expression can be read and names only columns that exist.

    Raises
    ------
    ConfigError
        Naming the expression, what was found in it, and what is allowed.
    """
    columns = list(columns)
    for expression in expressions:
        names = columns_of(expression)
        # a column without values takes part in anything: this finds what is never allowed
        _holds(expression, pd.DataFrame({name: [None] for name in names}))
        for name in names or [None]:
            if name not in columns:
                raise ConfigError(unknown(f"select {expression!r}: column", name, columns))


def columns_of(expression: str) -> list[str]:
    """Names of the columns in one expression."""
    tree = _parse(expression)
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    names = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called)
    return list(dict.fromkeys(n.id for n in names))


def masked(column: pd.Series) -> np.ma.MaskedArray:
    """A column as whole numbers, real numbers, truth values, or else text; null and NaN masked."""
    column = without_categories(column)
    null = column.isna().to_numpy()
    if null.all():
        values = np.zeros(len(column), dtype=bool)
    elif pd.api.types.is_numeric_dtype(column.dtype):
        plain = getattr(column.dtype, "numpy_dtype", column.dtype)  # of a nullable type
        small = plain.kind in "iu" and plain.itemsize < 8  # flags & 512 in an int8
        values = column.to_numpy(dtype=np.int64 if small else plain, na_value=0)
    elif isinstance(column.dtype, pd.StringDtype):
        values = column.to_numpy(dtype=object, na_value="")
    elif pd.api.types.infer_dtype(column, skipna=True) == "decimal":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = np.array(
            ["" if n else as_text(v) for v, n in zip(column, null, strict=True)], object
        )
    return np.ma.array(values, mask=null | (values != values))


def without_categories(column: pd.Series) -> pd.Series:
    """A column of categories as one of their values; any other as it is."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    values = pd.array(column.cat.categories).take(column.cat.codes.to_numpy(), allow_fill=True)
    return pd.Series(values, index=column.index, name=column.name)


def as_text(value: Any) -> str:
    """One cell as text: bytes decoded, several values as a list."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value.tolist() if isinstance(value, np.ndarray) else value)


def _parse(expression: str) -> ast.expr:
    """The expression's tree, with backticked names put back."""
    quoted: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        return quoted.setdefault(match[1], f"_quoted_{len(quoted)}_")

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", placeholder, str(expression)).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = getattr(error, "msg", None) or str(error)
        raise ConfigError(
            f"select {expression!r}: can't be read ({said}); a column whose name is not a "
            "Python name stands between backticks"
        ) from None
    columns = {v: k for k, v in quoted.items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = columns.get(node.id, node.id)
    return tree.body


def _holds(expression: str, frame: pd.DataFrame) -> np.ndarray:
    """(n,) bool: the rows for which the expression holds."""
    try:
        with np.errstate(all="ignore"):
            return _truth(_parse(expression), frame)
    except ConfigError as error:
        said = str(error)
        raise ConfigError(
            said if said.startswith("select ") else f"select {expression!r}: {said}"
        ) from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"select {expression!r}: can't be evaluated ({error})") from None


def _refuse(node: ast.AST, allowed: str = _ALLOWED) -> NoReturn:
    raise ConfigError(f"found {ast.unparse(node)!r}, allowed: {allowed}")


def _truth(node: ast.AST, frame: pd.DataFrame) -> np.ndarray:
    """(n,) bool of a part that has to be true or false."""
    match node:
        case ast.BoolOp(op=op, values=parts):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return reduce(join, [_truth(p, frame) for p in parts])
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return ~_truth(part, frame)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            links = zip([left, *rest], ops, rest, strict=False)
            return reduce(np.logical_and, [_compare(*link, frame) for link in links])
        case ast.Call(func=ast.Name(id=name), args=[part], keywords=[]) if name in _TESTS:
            return _TESTS[name](_column(part, frame))
        case ast.Name() | ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return _as_truth(_column(node, frame), ast.unparse(node))
        case ast.BinOp() | ast.UnaryOp() | ast.Constant():
            _refuse(node, "something that is true or false, such as a comparison")
    _refuse(node)


def _value(node: ast.AST, frame: pd.DataFrame) -> Any:
    """A masked array of a part with one value in each row, or a plain number or text."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name(id=name):
            return masked(frame[name])
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return _apply(operator.neg, _number(_value(part, frame)))
        case ast.UnaryOp(op=ast.UAdd(), operand=part):
            return _number(_value(part, frame))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            if isinstance(op, ast.Pow) and not _small(right):
                _refuse(right, "an exponent between -16 and 16")
            sides = [_value(left, frame), _value(right, frame)]
            if not all(_kind(s) == "truth" for s in sides):
                sides = [_number(s) for s in sides]
            return _apply(_OPERATORS[type(op)], *sides)
        case ast.Call(func=ast.Name(id=name), args=[part], keywords=[]) if name in _FUNCTIONS:
            return _apply(_FUNCTIONS[name], _number(_column(part, frame)))
        case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()) | ast.Call():
            return np.ma.array(_truth(node, frame))
    _refuse(node)


def _column(node: ast.AST, frame: pd.DataFrame) -> np.ma.MaskedArray:
    value = _value(node, frame)
    if not isinstance(value, np.ma.MaskedArray):
        _refuse(node, "something with a column in it")
    return value


def _small(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value <= 16
    )


def _kind(value: Any) -> str:
    """Text, number or truth; "any" for a column without a value."""
    if isinstance(value, np.ma.MaskedArray):
        if value.mask.all():
            return "any"
        return {"O": "text", "b": "truth"}.get(value.dtype.kind, "number")
    return {str: "text", bool: "truth"}.get(type(value), "number")


def _number(value: Any) -> Any:
    """A value fit for arithmetic: truth values count as 0 and 1, text is refused."""
    kind = _kind(value)
    if kind == "text":
        raise ConfigError("found text in arithmetic, allowed: numbers")
    if kind == "number":
        return value
    return value.astype(np.int64) if isinstance(value, np.ma.MaskedArray) else int(value)


def _apply(function: Callable, *values: Any) -> Any:
    """The function of the values, null where one of them is null or where it gives NaN."""
    columns = [v for v in values if isinstance(v, np.ma.MaskedArray)]
    if any(_kind(v) == "any" for v in columns):
        return np.ma.masked_all(columns[0].shape, dtype=bool)
    result = function(*(v.data if isinstance(v, np.ma.MaskedArray) else v for v in values))
    masks = [np.ma.getmaskarray(v) for v in columns]
    return (
        np.ma.array(result, mask=reduce(np.logical_or, masks, result != result))
        if masks
        else result
    )


def _compare(left: ast.AST, op: ast.cmpop, right: ast.AST, frame: pd.DataFrame) -> np.ndarray:
    if isinstance(op, (ast.Is, ast.IsNot)):
        _refuse(ast.Compare(left, [op], [right]))
    value, n = _value(left, frame), len(frame)
    if not isinstance(op, (ast.In, ast.NotIn)):
        return _relate(_OPERATORS[type(op)], value, _value(right, frame), n)
    if not isinstance(right, (ast.List, ast.Tuple, ast.Set)):
        _refuse(right, "a list of values after in")
    members = [_value(part, frame) for part in right.elts]
    if any(isinstance(m, np.ma.MaskedArray) for m in members):
        _refuse(right, "numbers or text in a list")
    found = [_relate(operator.eq, value, m, n) for m in members]
    inside = reduce(np.logical_or, found, np.zeros(n, dtype=bool))
    return inside if isinstance(op, ast.In) else ~inside & ~np.ma.getmaskarray(value)


def _relate(comparison: Callable, left: Any, right: Any, n: int) -> np.ndarray:
    kinds = {_kind(left), _kind(right)}
    if "text" in kinds and kinds & {"number", "truth"}:
        raise ConfigError("found text compared with a number, allowed: text with text")
    return np.broadcast_to(np.ma.filled(_apply(comparison, left, right), False), n)


def _as_truth(value: np.ma.MaskedArray, what: str) -> np.ndarray:
    if _kind(value) != "text":
        return value.astype(bool).filled(False)
    truth = pd.Series(value.data).str.lower().map(_TRUTHS)
    if (truth.isna() & ~value.mask).any():
        raise ConfigError(f"column {what!r} holds text, allowed: a comparison with a value")
    return truth.eq(True).to_numpy(dtype=bool)
