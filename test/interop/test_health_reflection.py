"""The health and reflection services, through grpcio and its own reflection client."""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

import setting
from cases import SERVICE, ends_with, equal
from test_grpcio_client import ClientTest

HEALTH = "grpc.health.v1.Health"
SERVING, SERVICE_UNKNOWN = 1, 3


class Health(ClientTest):
    """grpc.health.v1: Check, Watch, List."""

    def setUp(self):
        super().setUp()
        self.health = self.schema.stub(self.channel, HEALTH)
        self.request = self.schema.message("grpc.health.v1.HealthCheckRequest")

    def test_check_knows_the_server_and_its_services(self):
        for service in ("", SERVICE):
            answer = self.health.Check(self.request(service=service), timeout=10)
            equal(answer.status, SERVING, f"status of {service!r}")

    def test_check_of_an_unknown_service_is_not_found(self):
        request = self.request(service="no.such.Service")
        ends_with(lambda: self.health.Check(request, timeout=10), grpc.StatusCode.NOT_FOUND)

    def test_watch_answers_at_once_and_stays_open(self):
        for service, status in (("", SERVING), (SERVICE, SERVING), ("no.such", SERVICE_UNKNOWN)):
            answers = self.health.Watch(self.request(service=service), timeout=10)
            equal(next(answers).status, status, f"first status of {service!r}")
            assert answers.is_active(), "the watch ended by itself"
            answers.cancel()

    @setting.unless_reference("grpcio's health service has no List")
    def test_list_names_every_service(self):
        request = self.schema.message("grpc.health.v1.HealthListRequest")()
        statuses = self.health.List(request, timeout=10).statuses
        equal(statuses[SERVICE].status, SERVING, f"status of {SERVICE}")


class Reflection(ClientTest):
    """grpc.reflection.v1 and v1alpha."""

    def versions(self):
        # grpcio's reflection servicer speaks v1alpha alone.
        return ["v1alpha"] if setting.against_reference() else ["v1", "v1alpha"]

    def ask(self, version, **question):
        package = f"grpc.reflection.{version}"
        stub = self.schema.stub(self.channel, f"{package}.ServerReflection")
        request = self.schema.message(f"{package}.ServerReflectionRequest")(**question)
        answers = list(stub.ServerReflectionInfo(iter([request]), timeout=10))
        equal(len(answers), 1, "answers to one question")
        return answers[0]

    def test_every_service_is_listed(self):
        for version in self.versions():
            listed = self.ask(version, list_services="").list_services_response.service
            names = [service.name for service in listed]
            for wanted in (SERVICE, HEALTH, f"grpc.reflection.{version}.ServerReflection"):
                self.assertIn(wanted, names)

    def test_a_symbol_leads_to_its_file(self):
        symbols = [SERVICE, "grpc.testing.SimpleRequest"]
        if not setting.against_reference():
            # grpcio's reflection finds no methods.
            symbols += [f"{SERVICE}.UnaryCall", "grpc.testing.SimpleRequest.payload"]
        for version in self.versions():
            for symbol in symbols:
                with self.subTest(version=version, symbol=symbol):
                    answer = self.ask(version, file_containing_symbol=symbol)
                    files = answer.file_descriptor_response.file_descriptor_proto
                    packages = [descriptor_pb2.FileDescriptorProto.FromString(f).package for f in files]
                    self.assertIn("grpc.testing", packages)

    def test_a_file_is_found_by_its_name(self):
        name = next(f.name for f in self.schema.files.file if f.package == "grpc.testing")
        for version in self.versions():
            answer = self.ask(version, file_by_filename=name)
            files = answer.file_descriptor_response.file_descriptor_proto
            names = [descriptor_pb2.FileDescriptorProto.FromString(f).name for f in files]
            self.assertIn(name, names)

    def test_unknown_names_are_not_found_and_the_stream_continues(self):
        for version in self.versions():
            package = f"grpc.reflection.{version}"
            stub = self.schema.stub(self.channel, f"{package}.ServerReflection")
            new = self.schema.message(f"{package}.ServerReflectionRequest")
            questions = [
                new(file_containing_symbol="no.such.Symbol"),
                new(file_by_filename="no/such.proto"),
                new(list_services=""),
            ]
            answers = list(stub.ServerReflectionInfo(iter(questions), timeout=10))
            codes = [answer.error_response.error_code for answer in answers]
            equal(codes, [5, 5, 0], "error codes")
            for question, answer in zip(questions, answers):
                equal(answer.original_request, question, "the question in the answer")

    def test_a_client_can_call_with_nothing_but_reflection(self):
        database = ProtoReflectionDescriptorDatabase(self.channel)
        pool = descriptor_pool.DescriptorPool(database)
        service = pool.FindServiceByName(SERVICE)
        equal(service.methods_by_name["UnaryCall"].input_type.name, "SimpleRequest", "input")
        self.assertIn(SERVICE, database.get_services())
