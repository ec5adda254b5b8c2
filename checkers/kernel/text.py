"""Read the text that kernels leave behind: plain, gzip or xz, one line at a time."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike, fspath, fstat
from typing import IO, NamedTuple, cast

LONGEST_LINE = 1 << 20
CHUNK = LONGEST_LINE  # no larger: `read_chunks` looks only where chunks meet
LARGEST_JSON = 1 << 28

# What a file begins with, and what to call it when it is not read.
_PACKED = {
    b"BZh": "it is compressed with bzip2; only gzip and xz are read",
    b"\x28\xb5\x2f\xfd": "it is compressed with zstd; only gzip and xz are read",
    b"PK\x03\x04": "it is a zip archive, not a text",
    b"\xff\xfe": "it is UTF-16 text; only UTF-8 is read",
    b"\xfe\xff": "it is UTF-16 text; only UTF-8 is read",
}


class BadText(Exception):  # noqa: N818  (an input, not a program, is wrong)
    """A file that cannot be read as what it should be; line 0 is the whole file."""

    def __init__(self, path: str | PathLike[str], line: int, why: str) -> None:
        super().__init__(path, line, why)
        self.path = fspath(path)
        self.line = line
        self.why = why

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.why}"


def read_lines(
    path: str | PathLike[str], *, longest: int = LONGEST_LINE
) -> Iterator[str]:
    """Yield each line of a text file, packed or not; raise `BadText` if it is none.

    Bytes that are not UTF-8 become U+FFFD: a kernel log may hold a few of them.
    """
    number = 0
    with (
        _explained(path, lambda: number),
        open(path, "rb") as file,
        _unpacked(path, file) as stream,
    ):
        while raw := stream.readline(longest + 1):
            number += 1
            if len(raw) > longest:
                raise _too_long(path, number, longest)
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
    if number == 0:
        raise BadText(path, 0, "the file is empty")


class Chunk(NamedTuple):
    """Some whole lines, and how many bytes of the file, of how many, are read."""

    text: bytes
    done: int
    of: int  # 0: the size of the file is not known


def read_chunks(path: str | PathLike[str]) -> Iterator[Chunk]:
    """Yield a text file, packed or not, about a MiB at a time; `BadText` if it is none.

    Each chunk ends at the end of a line. If the last line lacks one, it comes alone.
    """
    number, tail, found = 0, b"", False
    with (
        _explained(path, lambda: number),
        open(path, "rb") as file,
        _unpacked(path, file) as stream,
    ):
        of = fstat(file.fileno()).st_size
        while piece := stream.read(CHUNK):
            first = (piece.find(b"\n") + 1) or len(piece)
            if len(tail) + first > LONGEST_LINE:
                raise _too_long(path, number + 1, LONGEST_LINE)
            text = tail + (piece if found else piece.removeprefix(BOM_UTF8))
            found, end = True, text.rfind(b"\n") + 1
            text, tail = text[:end], text[end:]
            number += text.count(b"\n")
            if text:
                yield Chunk(text, file.tell() if file.seekable() else 0, of)
        if tail:
            yield Chunk(tail, of, of)
    if not found:
        raise BadText(path, 0, "the file is empty")


def read_json(path: str | PathLike[str]) -> object:
    """Return the JSON value in a file, packed or not; raise `BadText` if it is none."""
    text, size = [], 0
    for line in read_lines(path, longest=LARGEST_JSON):
        text.append(line)
        size += len(line)
        if size > LARGEST_JSON:
            raise BadText(path, 0, f"it holds more than {LARGEST_JSON} characters")
    try:
        value: object = json.loads("".join(text))
    except json.JSONDecodeError as error:
        why = f"it is not JSON: {error.msg}, column {error.colno}"
        raise BadText(path, error.lineno, why) from None
    except RecursionError:
        raise BadText(path, 0, "it is not JSON: nested too deeply") from None
    except ValueError:
        raise BadText(path, 0, "it is not JSON: a number is too long") from None
    return value


@contextmanager
def _explained(path: str | PathLike[str], line: Callable[[], int]) -> Iterator[None]:
    """Turn what goes wrong while a file is read into `BadText`."""
    try:
        yield
    except EOFError:
        raise BadText(path, line(), "the compressed file is cut short") from None
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error):
        raise BadText(path, line(), "the compressed file is damaged") from None
    except OSError as error:
        why = f"it cannot be read: {error.strerror or error}"
        raise BadText(path, 0, why) from None
    except ValueError as error:  # a path that holds a zero byte
        raise BadText(path, 0, f"it cannot be read: {error}") from None


def _too_long(path: str | PathLike[str], line: int, longest: int) -> BadText:
    return BadText(path, line, f"the line is longer than {longest} bytes")


def _unpacked(path: str | PathLike[str], file: io.BufferedReader) -> io.BufferedReader:
    """Return the text inside `file`, after a look at its first bytes."""
    head = file.peek(8)[:8]
    if head.startswith(b"\x1f\x8b"):
        file = _buffered(gzip.GzipFile(fileobj=file))
    elif head.startswith(b"\xfd7zXZ\0"):
        file = _buffered(lzma.LZMAFile(file))  # noqa: SIM115  (the caller closes it)
    if why := _not_text(file.peek(4096)[:4096]):
        raise BadText(path, 0, why)
    return file


def _buffered(stream: gzip.GzipFile | lzma.LZMAFile) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, cast(IO[bytes], stream)), 1 << 16)


def _not_text(head: bytes) -> str:
    """Return why these first bytes are not text, or nothing.

    A serial line adds noise, so a few control bytes do not make a file binary.
    """
    for magic, why in _PACKED.items():
        if head.startswith(magic):
            return why
    text = head.decode("utf-8", "replace")
    noise = sum(c == "\ufffd" or (c < " " and c not in "\t\n\r\f\b\x1b") for c in text)
    return "it is not a text file" if 4 * noise > len(text) else ""
