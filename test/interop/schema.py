"""Messages and methods straight from the compiled descriptors, without generated code.

`schemas/agora.protoset` is what we hand to people, so these tests use it as well.
"""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Schema:
    """The messages and services of one file of compiled descriptors."""

    def __init__(self, path):
        self.pool = descriptor_pool.DescriptorPool()
        self.files = descriptor_pb2.FileDescriptorSet()
        with open(path, "rb") as file:
            self.files.ParseFromString(file.read())
        for file in self.files.file:
            self.pool.Add(file)

    def message(self, name):
        """The class of the message with this full name."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def methods(self, service):
        """The method descriptors of the service with this full name."""
        return self.pool.FindServiceByName(service).methods

    def stub(self, channel, service):
        """An object with one callable for each method of the service."""
        return Stub(self, channel, service)

    def handlers(self, service, implementation):
        """What a grpcio server needs to serve `implementation`, an object with the methods."""
        handlers = {}
        for method in self.methods(service):
            function = getattr(implementation, method.name, None)
            if function is not None:
                request = message_factory.GetMessageClass(method.input_type)
                make = getattr(grpc, f"{_shape(method)}_rpc_method_handler")
                handlers[method.name] = make(
                    function,
                    request_deserializer=request.FromString,
                    response_serializer=lambda message: message.SerializeToString(),
                )
        return grpc.method_handlers_generic_handler(service, handlers)


class Stub:
    """The methods of one service on one channel."""

    def __init__(self, schema, channel, service):
        for method in schema.methods(service):
            response = message_factory.GetMessageClass(method.output_type)
            make = getattr(channel, _shape(method))
            callable_ = make(
                f"/{service}/{method.name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=response.FromString,
            )
            setattr(self, method.name, callable_)


def _shape(method):
    many = {True: "stream", False: "unary"}
    return f"{many[method.client_streaming]}_{many[method.server_streaming]}"
