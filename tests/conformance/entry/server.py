"""The methods of the conformance suite, as a program in Python."""

import threading
import time
import zlib

from lever_rpc import MethodError, serve

left = {}


def leaving(name):
    return left.setdefault(name, threading.Event())


def fail(value):
    raise MethodError(value)


def never():
    time.sleep(5)


def echo_chan(messages, *args):
    if args:
        yield list(args)
    yield from messages


def push_chan(_messages, count):
    yield from range(count)


def push_bytes_chan(_messages, count):
    for i in range(count):
        yield bytes([i % 256]) * 1000


def push_chunks_chan(_messages, count, size):
    for i in range(count):
        yield bytes([i % 251]) * size


def sum_chan(messages):
    yield sum(messages)


def fold_chan(messages):
    size, crc = 0, 0
    for chunk in messages:
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
    yield f"{size} {crc}".encode()


def after_end_chan(messages):
    sent = list(messages)
    yield "ended"
    yield from sent


def first_chan(messages):
    yield next(messages)


def leave_chan(messages, name):
    try:
        # Of a caller who leaves at once, gRPC may tell only by closing what stands here.
        yield "here"
        for _ in messages:
            pass
    finally:
        leaving(name).set()


def has_left(name):
    return leaving(name).wait(20)


def fail_early_chan(_messages):
    fail({"code": 7})
    yield


def fail_late_chan(_messages):
    yield 1
    fail({"code": 7})


serve({
    "echo": lambda value: value,
    "count": lambda *args: len(args),
    "byCallback": lambda value: value,
    "byPromise": lambda value: value,
    "nothing": lambda: None,
    "date": lambda: "1970-01-01T00:00:00.000Z",
    "failText": lambda: fail("no"),
    "failObject": lambda: fail({"code": 42, "why": [None]}),
    "failBytes": lambda: fail(bytes([0, 255])),
    "never": never,
    "hasLeft": has_left,
    "echoChan": echo_chan,
    "pushChan": push_chan,
    "pushBytesChan": push_bytes_chan,
    "pushChunksChan": push_chunks_chan,
    "sumChan": sum_chan,
    "foldChan": fold_chan,
    "afterEndChan": after_end_chan,
    "firstChan": first_chan,
    "leaveChan": leave_chan,
    "failEarlyChan": fail_early_chan,
    "failLateChan": fail_late_chan,
})
