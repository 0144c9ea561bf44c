//! Reducers that are told to connect to something that is no mapper.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use agora::call::Code;
use agora::mapreduce::contract::path;
use agora::pb::agora_mapreduce_v1 as pb;
use agora::protobuf::encode;

use super::master::{Master, words};
use super::processes::{Folder, Worker};

/// A service that is no worker, and says so to whoever connects.
fn victim() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn reduce(address: &str) -> pb::ReduceRequest<'static> {
    let output = pb::MapOutput {
        task: 0,
        attempt: 1,
        address: address.to_owned().into(),
        epoch: 1,
        bytes: 9,
    };
    pb::ReduceRequest { round: 1, attempt: 1, maps: 1, outputs: vec![output], ..Default::default() }
}

fn declaring(mappers: &[&str]) -> pb::OpenJobRequest<'static> {
    let mappers = mappers.iter().map(|&mapper| mapper.to_owned().into()).collect();
    pb::OpenJobRequest { mappers, ..words() }
}

#[test]
fn a_reducer_connects_to_no_address_that_was_not_declared() {
    let folder = Folder::new();
    let reducer = Worker::start(&folder, "reducer", &[]);
    let (listener, address) = victim();
    listener.set_nonblocking(true).unwrap();
    for mappers in [&[][..], &["127.0.0.1:1"], &["localhost:0", "127.0.0.2:0"]] {
        let mut stranger = Master::at(&reducer.address);
        stranger.open(declaring(mappers)).unwrap();
        let refused = stranger.reduce(reduce(&address)).unwrap_err();
        println!("a fetch from an address that was not declared: {refused}");
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
        let outputs = reduce(&address).outputs;
        let expected = pb::ReduceRequest { expected: outputs.clone(), ..Default::default() };
        assert_eq!(stranger.reduce(expected).unwrap_err().code, Code::InvalidArgument);
        let job_id = stranger.id.clone().into();
        let announce = pb::AnnounceRequest { job_id, attempt: 1, outputs, lost: Vec::new() };
        let refused = stranger.call(path::ANNOUNCE, &encode(&announce)).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
    }
    for address in ["169.254.169.254:80", "[::ffff:a9fe:a9fe]:80", "0.0.0.0:22", "224.0.0.1:80"] {
        let refused = Master::at(&reducer.address).open(declaring(&[address])).unwrap_err();
        println!("a mapper at {address}: {refused}");
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock, "nothing has connected");
}

/// Who may open jobs may declare its mappers. But what listens there learns nothing of the job, and
/// the master nothing of what listens there.
#[test]
fn a_service_that_is_no_mapper_learns_nothing_and_tells_nothing() {
    let folder = Folder::new();
    let reducer = Worker::start(&folder, "reducer", &[]);
    let (listener, address) = victim();
    let mut stranger = Master::at(&reducer.address);
    stranger.open(declaring(&[&address])).unwrap();
    let received = thread::spawn(move || {
        let mut received = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"SSH-2.0-secret\r\n").unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                received.extend_from_slice(&buffer[..read]);
            }
        }
        received
    });
    let refused = stranger.reduce(reduce(&address)).unwrap_err();
    println!("a fetch from a service that is no mapper: {refused}");
    assert_eq!(refused.code, Code::Unavailable, "{refused}");
    // The same words as for an address where nobody listens.
    let (listener, nobody) = victim();
    drop(listener);
    let mut other = Master::at(&reducer.address);
    drop(stranger.held.take());
    crate::wait::poll_until("the reducer is free", super::processes::LONG, || {
        other = Master::at(&reducer.address);
        other.open(declaring(&[&nobody])).is_ok()
    });
    let unreachable = other.reduce(reduce(&nobody)).unwrap_err();
    assert_eq!(unreachable.message, refused.message);
    drop(reducer);
    let received = received.join().unwrap();
    println!("{} bytes were sent to it", received.len());
    let has = |text: &[u8]| received.windows(text.len()).any(|window| window == text);
    assert!(!has(stranger.id.as_bytes()) && !has(b"Fetch"), "{received:?}");
}
