"""The gRPC wire of Lever, in one file: serve methods, and call other services.

Regular methods take their arguments and return a value. Names of streaming methods end in Chan. Streaming methods take an
iterator of the caller's messages and then their arguments, and yield messages. Values are JSON; bytes are bytes.
"""

import os
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MESSAGE, STRING, DOUBLE, BOOL, BYTES = 11, 9, 1, 8, 12

# Message: (oneof or None, [(field, number, type, message type, repeated)])
MESSAGES = {
    "RPC": ("args_oneof", [("args", 1, MESSAGE, "JSONArray", False), ("byte_args", 2, BYTES, None, False)]),
    "RPCReply": ("result_oneof", [
        ("result", 1, MESSAGE, "JSON", False), ("byte_result", 2, BYTES, None, False),
        ("error", 3, MESSAGE, "JSON", False), ("byte_error", 4, BYTES, None, False)]),
    "StreamMessage": ("message_oneof", [
        ("rpc", 1, MESSAGE, "RPC", False), ("message", 2, MESSAGE, "JSON", False),
        ("byte_message", 3, BYTES, None, False), ("error", 4, MESSAGE, "JSON", False),
        ("byte_error", 5, BYTES, None, False)]),
    "JSON": ("json_value_oneof", [
        ("json_string", 1, STRING, None, False), ("json_number", 2, DOUBLE, None, False),
        ("json_bool", 3, BOOL, None, False), ("json_object", 4, MESSAGE, "JSONObject", False),
        ("json_array", 5, MESSAGE, "JSONArray", False)]),
    "JSONObject": (None, [("property", 1, MESSAGE, "JSONProperty", True)]),
    "JSONArray": (None, [("element", 1, MESSAGE, "JSON", True)]),
    "JSONProperty": (None, [("name", 1, STRING, None, False), ("value", 2, MESSAGE, "JSON", False)]),
}


def _load():
    file = descriptor_pb2.FileDescriptorProto(name="lever_rpc.proto", package="core", syntax="proto3")
    for name, (oneof, fields) in MESSAGES.items():
        message = file.message_type.add(name=name)
        if oneof is not None:
            message.oneof_decl.add(name=oneof)
        for field, number, kind, type_name, repeated in fields:
            added = message.field.add(name=field, number=number, type=kind, label=3 if repeated else 1)
            if type_name is not None:
                added.type_name = ".core." + type_name
            if oneof is not None:
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    def message_class(name):
        descriptor = pool.FindMessageTypeByName("core." + name)
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(descriptor)
        return message_factory.MessageFactory(pool).GetPrototype(descriptor)

    return {name: message_class(name) for name in MESSAGES}


_types = _load()
RPC, RPCReply, StreamMessage, JSON = (_types[name] for name in ("RPC", "RPCReply", "StreamMessage", "JSON"))


class MethodError(Exception):
    """Fails a call with any JSON value, or with bytes."""

    def __init__(self, value):
        super().__init__(str(value))
        self.value = value


def to_json(value, message=None):
    """Converts a value to a JSON message."""
    message = JSON() if message is None else message
    if isinstance(value, bool):
        message.json_bool = value
    elif isinstance(value, (int, float)):
        message.json_number = value
    elif isinstance(value, str):
        message.json_string = value
    elif isinstance(value, dict):
        message.json_object.SetInParent()
        for name, held in value.items():
            added = message.json_object.property.add(name=str(name))
            added.value.SetInParent()
            to_json(held, added.value)
    elif isinstance(value, (list, tuple)):
        message.json_array.SetInParent()
        for held in value:
            to_json(held, message.json_array.element.add())
    elif value is not None:
        raise TypeError(f"Cannot send a {type(value).__name__}: it is not JSON.")
    return message


def from_json(message):
    """Converts a JSON message to its value; integers become ints."""
    kind = message.WhichOneof("json_value_oneof")
    if kind is None:
        return None
    if kind == "json_object":
        return {held.name: from_json(held.value) for held in message.json_object.property}
    if kind == "json_array":
        return [from_json(held) for held in message.json_array.element]
    value = getattr(message, kind)
    return int(value) if kind == "json_number" and value.is_integer() and abs(value) < 2**53 else value


def _arguments(rpc):
    if rpc.WhichOneof("args_oneof") == "byte_args":
        return [rpc.byte_args]
    return [from_json(held) for held in rpc.args.element]


def _rpc(args):
    if len(args) == 1 and isinstance(args[0], bytes):
        return RPC(byte_args=args[0])
    rpc = RPC()
    rpc.args.SetInParent()
    for value in args:
        to_json(value, rpc.args.element.add())
    return rpc


def _fill(message, value, json_field):
    if isinstance(value, bytes):
        setattr(message, "byte_" + json_field, value)
    else:
        getattr(message, json_field).SetInParent()
        to_json(value, getattr(message, json_field))
    return message


def _error(error):
    return error.value if isinstance(error, MethodError) else str(error)


def _target(context):
    """Returns the resource, if any, and the method of a call's lever-url."""
    from urllib.parse import unquote

    url = dict(context.invocation_metadata())["lever-url"]
    path = url.split("://", 1)[1].split("/")[1:]
    resource = "/".join(path[1:-1])
    return ([unquote(resource)] if resource else []), unquote(path[-1])


def serve(methods, workers=32):
    """Serves a dictionary of functions on the port that Lever has chosen, until SIGTERM."""

    def find(context):
        resource, name = _target(context)
        if name not in methods:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"There is no method {name}.")
        return methods[name], resource

    def handle(rpc, context):
        method, resource = find(context)
        try:
            return _fill(RPCReply(), method(*resource, *_arguments(rpc)), "result")
        except Exception as error:
            return _fill(RPCReply(), _error(error), "error")

    def handle_streaming(messages, context):
        method, resource = find(context)
        args = _arguments(next(messages).rpc)

        def received():
            for message in messages:
                if message.WhichOneof("message_oneof") == "byte_message":
                    yield message.byte_message
                else:
                    yield from_json(message.message)

        yield StreamMessage()
        try:
            for value in method(received(), *resource, *args):
                yield _fill(StreamMessage(), value, "message")
        except Exception as error:
            yield _fill(StreamMessage(), _error(error), "error")

    handlers = {
        "HandleRPC": grpc.unary_unary_rpc_method_handler(handle, RPC.FromString, RPCReply.SerializeToString),
        "HandleStreamingRPC": grpc.stream_stream_rpc_method_handler(
            handle_streaming, StreamMessage.FromString, StreamMessage.SerializeToString),
    }
    limit = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=workers), options=limit)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("core.LeverRPC", handlers),))
    server.add_insecure_port("127.0.0.1:" + os.environ.get("LEVEROS_LISTEN_PORT", "3837"))
    server.start()
    server.wait_for_termination()


def invoke(url, *args):
    """Calls a regular method of another service by its Lever URL; a relative URL is in the caller's own environment."""
    with grpc.insecure_channel(os.environ["LEVEROS_INTERNAL_RPC_GATEWAY"]) as channel:
        call = channel.unary_unary("/core.LeverRPC/HandleRPC", RPC.SerializeToString, RPCReply.FromString)
        reply = call(_rpc(args), metadata=[("lever-url", url)])
    kind = reply.WhichOneof("result_oneof")
    if kind in ("error", "byte_error"):
        raise MethodError(from_json(reply.error) if kind == "error" else reply.byte_error)
    return reply.byte_result if kind == "byte_result" else from_json(reply.result)
