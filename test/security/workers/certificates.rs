//! Workers that demand certificates with roles.

use std::path::Path;

use agora::call::{Code, Status};
use agora::mapreduce::contract::path;
use agora::pb::agora_mapreduce_v1 as pb;
use agora::protobuf::encode;
use agora::rpc::ChannelOptions;

use super::master::{Master, command, words};
use super::processes::{Folder, Worker, files_in, some_text};
use crate::authority::{Authority, client_tls};

/// The flags of a server with a folder of certificates.
fn serving(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (ca, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let pairs = [("--tls-cert", certificate), ("--tls-key", key), ("--tls-client-ca", ca)];
    pairs.into_iter().flat_map(|(flag, file)| [flag.to_owned(), file]).collect()
}

fn calling(folder: &Path) -> Vec<String> {
    let mut flags = serving(folder);
    flags[4] = "--tls-ca".into();
    flags
}

fn start(folder: &Folder, kind: &str, certs: &Path, more: &[&str]) -> Worker {
    let mut flags = serving(certs);
    flags.push("--tls-only".into());
    if kind == "reducer" {
        flags.extend_from_slice(&calling(certs)[4..]);
    }
    flags.extend(more.iter().map(|&word| word.to_owned()));
    Worker::start(folder, kind, &flags.iter().map(String::as_str).collect::<Vec<_>>())
}

fn master(worker: &Worker, certs: &Path) -> Master {
    let tls = Some(client_tls(certs));
    Master::with(&worker.address, ChannelOptions { tls, ..ChannelOptions::default() })
}

fn fetch(master: &Master) -> Status {
    let mut call = master.channel.start(path::FETCH, &Default::default()).unwrap();
    let job_id = master.id.as_str().into();
    let request = pb::FetchRequest { job_id, ..Default::default() };
    let _ = call.send_last(&encode(&request));
    call.receive().unwrap_err()
}

#[test]
fn only_a_submitter_opens_jobs_and_only_workers_fetch() {
    let folder = Folder::new();
    let authority = Authority::new();
    let certs = authority.issue("worker-1", &["127.0.0.1"], &["agora:worker"]);
    let worker = start(&folder, "mapper", &certs, &["--allow-commands"]);
    let touch = format!("touch {}", folder.0.join("run").display());
    // In the clear, and without a certificate.
    let clear = Master::at(&worker.address).open(command(&touch)).unwrap_err();
    println!("in the clear: {clear}");
    assert!(matches!(clear.code, Code::Unavailable | Code::Internal), "{clear}");
    let none = authority.trust_only("nobody");
    let refused = master(&worker, &none).open_held(command(&touch)).unwrap_err();
    println!("without a certificate: {refused}");
    assert!(matches!(refused.code, Code::Unavailable | Code::Unauthenticated), "{refused}");
    for (name, roles, may_fetch) in [
        ("client", &["agora:client/alice"][..], false),
        ("admin", &["agora:admin"], false),
        ("node", &["agora:node/agora/1"], false),
        ("plain", &[], false),
        ("worker-2", &["agora:worker"], true),
    ] {
        let certs = authority.issue(name, &["127.0.0.1"], roles);
        let mut stranger = master(&worker, &certs);
        let refused = stranger.open(command(&touch)).unwrap_err();
        println!("with the certificate of a {name}: {refused}");
        assert_eq!(refused.code, Code::PermissionDenied, "{refused}");
        assert_eq!(stranger.end_of_hold().code, Code::PermissionDenied);
        for result in [stranger.map_nothing(), stranger.put_split(0, 1, 0, b"x")] {
            assert_eq!(result.unwrap_err().code, Code::PermissionDenied);
        }
        let expected = if may_fetch { Code::NotFound } else { Code::PermissionDenied };
        assert_eq!(fetch(&stranger).code, expected, "{name}");
        assert_eq!(stranger.ping().unwrap_err().code, expected, "{name}");
    }
    assert_eq!(files_in(&folder.0), [""; 0]);
    let certs = authority.issue("submit-alice", &[], &["agora:submit"]);
    let mut submitter = master(&worker, &certs);
    submitter.open(command(&touch)).unwrap();
    submitter.map_nothing().unwrap();
    assert!(folder.has("run"));
    // Another submitter learns who holds the worker.
    let certs = authority.issue("submit-bob", &[], &["agora:submit"]);
    let refused = master(&worker, &certs).open(words()).unwrap_err();
    assert!(refused.message.contains("submit-alice"), "{refused}");
}

#[test]
fn a_job_runs_on_workers_with_certificates_alone() {
    let (text, expected) = some_text(53, 20_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let authority = Authority::new();
    let certs = authority.issue("worker-1", &["127.0.0.1"], &["agora:worker"]);
    let submit = authority.issue("submit-alice", &[], &["agora:submit"]);
    let mapper = start(&folder, "mapper", &certs, &["--data", "mapper"]);
    let reducer = start(&folder, "reducer", &certs, &["--data", "reducer"]);
    let count = |mappers: &str, certs: &Path| {
        let mut line = vec!["wordcount", "a.txt", "-m", "2", "-q", "--worker-timeout", "1"];
        line.extend(["--mappers", mappers, "--reducers", &reducer.address]);
        let tls = calling(certs);
        line.extend(tls.iter().map(String::as_str));
        folder.run(&line)
    };
    let output = count(&mapper.address, &submit);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(folder.read("Data/output.txt"), expected);
    let mut line = vec!["wordcount", "a.txt", "-q", "--worker-timeout", "1"];
    line.extend(["--mappers", &mapper.address, "--reducers", &reducer.address]);
    let clear = folder.run(&line);
    println!("in the clear: {}", clear.stderr);
    let words = "the server refuses cleartext: connect with TLS, for example --certs DIR";
    assert!(clear.code == Some(1) && clear.stderr.contains(words), "{}", clear.stderr);
    // A server with the certificate of a client poses as a mapper.
    let client = authority.issue("client-eve", &["127.0.0.1"], &["agora:client/eve"]);
    let impostor = start(&folder, "mapper", &client, &["--data", "impostor"]);
    let output = count(&impostor.address, &submit);
    println!("a mapper with the certificate of a client: {}", output.stderr);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("lacks the role agora:worker"), "{}", output.stderr);
    // A client submits.
    let output = count(&mapper.address, &client);
    println!("a client that submits: {}", output.stderr);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("needs the role"), "{}", output.stderr);
}
