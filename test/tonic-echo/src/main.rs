//! `agora.bench.v1.EchoService` on tonic: `tonic-echo --listen ADDR --runtime multi|current`.

use prost::bytes::Bytes;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Something to send back; the bytes are shared with the input, not copied.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EchoRequest {
    #[prost(bytes = "bytes", tag = "1")]
    payload: Bytes,
}

/// The same bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EchoResponse {
    #[prost(bytes = "bytes", tag = "1")]
    payload: Bytes,
}

mod echo {
    include!(concat!(env!("OUT_DIR"), "/agora.bench.v1.EchoService.rs"));
}
use echo::echo_service_server::{EchoService, EchoServiceServer};

struct Echo;

#[tonic::async_trait]
impl EchoService for Echo {
    async fn echo(&self, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
        Ok(Response::new(EchoResponse { payload: request.into_inner().payload }))
    }
}

type Failure = Box<dyn std::error::Error>;

async fn serve(address: &str) -> Result<(), Failure> {
    let incoming = TcpIncoming::bind(address.parse()?)?.with_nodelay(Some(true));
    println!("listening on {}", incoming.local_addr()?);
    let server = tonic::transport::Server::builder();
    Ok({ server }.add_service(EchoServiceServer::new(Echo)).serve_with_incoming(incoming).await?)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, runtime) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--listen", address, "--runtime", runtime] => (address, runtime),
        _ => return Err("usage: tonic-echo --listen ADDR --runtime multi|current".into()),
    };
    let mut builder = match runtime {
        "multi" => tokio::runtime::Builder::new_multi_thread(),
        "current" => tokio::runtime::Builder::new_current_thread(),
        _ => return Err(format!("no runtime named {runtime}: multi or current").into()),
    };
    builder.enable_all().build()?.block_on(serve(address))
}
