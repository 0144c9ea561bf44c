//! Makes the server's glue for `agora.bench.v1.EchoService`, from a description instead of a
//! .proto file: so it needs no protoc.

fn main() {
    let echo = tonic_build::manual::Method::builder()
        .name("echo")
        .route_name("Echo")
        .input_type("crate::EchoRequest")
        .output_type("crate::EchoResponse")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let service = tonic_build::manual::Service::builder()
        .name("EchoService")
        .package("agora.bench.v1")
        .method(echo)
        .build();
    tonic_build::manual::Builder::new().build_client(false).compile(&[service]);
}
