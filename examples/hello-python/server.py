from lever_rpc import MethodError, invoke, serve


def say_hello(name):
    if not isinstance(name, str):
        raise MethodError('Cannot say hello: the name is not a string. Try "world".')
    return f"Hello, {name}, from Python!"


def greet_by(service, name):
    """Calls another service for the greeting."""
    return invoke(f"/{service}/sayHello", name)


def reverse(data):
    """Takes bytes and returns bytes."""
    return data[::-1]


def echo_chan(messages, *args):
    if args:
        yield list(args)
    yield from messages


serve({"sayHello": say_hello, "greetBy": greet_by, "reverse": reverse, "echoChan": echo_chan})
