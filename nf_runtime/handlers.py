"""Handlers of generated code: how they are taken over, and their way from and to bytes."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import grpc

from nf_runtime.errors import InvalidArgument


class WrappingRegistry:
    """Takes the handlers of generated code and hands them on, wrapped.

    Args:
        server: Which serves them.
        wrap: From a method's full name and its handler to the one that is served.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        wrap: Callable[[str, "grpc.RpcMethodHandler[Any, Any]"], "grpc.RpcMethodHandler[Any, Any]"],
    ) -> None:
        self._server = server
        self._wrap = wrap

    def add_generic_rpc_handlers(self, handlers: Sequence[object]) -> None:
        """Nothing: generated code names the same handlers once more, by their methods."""

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]"
    ) -> None:
        """Registers them, each wrapped."""
        self._server.add_registered_method_handlers(
            service_name,
            {
                name: self._wrap(f"/{service_name}/{name}", handler)
                for name, handler in method_handlers.items()
            },
        )


class BuildingContext:
    """A servicer context whose `write` takes messages where grpc was told to take bytes."""

    def __init__(self, context: Any, build: Callable[[Any], bytes]) -> None:
        self._context = context
        self._build = build

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def write(self, message: Any) -> None:
        """Send a response."""
        await self._context.write(self._build(message))


def parser(deserializer: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """From bytes to a request; what it returns raises InvalidArgument, MALFORMED_REQUEST."""

    def parse(data: bytes) -> Any:
        if deserializer is None:
            return data
        try:
            return deserializer(data)
        except Exception as error:
            raise InvalidArgument(
                "the request is not a message of this method; check the client's proto version",
                reason="MALFORMED_REQUEST",
            ) from error

    return parse


def builder(serializer: Callable[[Any], bytes] | None) -> Callable[[Any], bytes]:
    """From a response to bytes."""
    return serializer if serializer is not None else lambda message: message


async def parsed(
    requests: AsyncIterator[bytes], parse: Callable[[bytes], Any]
) -> AsyncIterator[Any]:
    """The requests of a stream."""
    async for request in requests:
        yield parse(request)
