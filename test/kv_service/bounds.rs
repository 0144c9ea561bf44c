//! Requests that are too long, too many or malformed are refused with the documented status, and
//! change nothing.

use agora::call::Code;
use agora::kv::service::MAX_WATCHES;
use agora::pb::agora_kv_v1 as pb;
use agora::protobuf::encode;
use agora::rpc::CallOptions;

use crate::fixture::{Group, LONG, Setting, Watch, eventually, path, refused};

const LONGEST_KEY: usize = 4096;
const LONGEST_VALUE: usize = 1_048_576;

#[test]
fn keys_have_1_to_4096_bytes_and_values_at_most_a_mebibyte() {
    let group = Group::new(1);
    let caller = group.at(0);
    let (key, value) = (vec![b'k'; LONGEST_KEY], vec![b'v'; LONGEST_VALUE]);
    eventually("it leads", || caller.get(&key).is_ok());
    caller.set(&key, &value).unwrap();
    assert!(caller.get(&key).unwrap().unwrap().1 == value);
    assert!(caller.compare_and_set(&key, Some(&value), &value).unwrap().0);
    assert!(caller.delete(&key).unwrap().0);

    let before = caller.set(b"fence", b"").unwrap();
    let (key, value) = (vec![b'k'; LONGEST_KEY + 1], vec![b'v'; LONGEST_VALUE + 1]);
    for (key, words) in [(&b""[..], "the key is empty"), (&key, "the key has 4097 bytes")] {
        let invalid = Code::InvalidArgument;
        refused(caller.get(key), invalid, words);
        refused(caller.get_stale(key), invalid, words);
        refused(caller.set(key, b""), invalid, words);
        refused(caller.delete(key), invalid, words);
        refused(caller.compare_and_set(key, None, b""), invalid, words);
    }
    let words = "1048577 bytes";
    refused(caller.set(b"k", &value), Code::InvalidArgument, words);
    refused(caller.compare_and_set(b"k", None, &value), Code::InvalidArgument, words);
    refused(caller.compare_and_set(b"k", Some(&value), b""), Code::InvalidArgument, words);
    assert_eq!(caller.set(b"fence", b"").unwrap(), before + 1, "nothing was written");
}

#[test]
fn prefixes_are_no_longer_than_keys() {
    let group = Group::new(1);
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    let (longest, too_long) = (vec![b'k'; LONGEST_KEY], vec![b'k'; LONGEST_KEY + 1]);
    let scan = |prefix: &[u8], after: &[u8]| {
        caller.scan(&pb::ScanRequest {
            prefix: prefix.to_vec().into(),
            after: after.to_vec().into(),
            ..Default::default()
        })
    };
    assert!(scan(&longest, &longest).is_ok());
    refused(scan(&too_long, b""), Code::InvalidArgument, "the prefix has 4097 bytes");
    refused(scan(b"", &too_long), Code::InvalidArgument, "the key has 4097 bytes");
    assert!(caller.watch(&longest, None).next().is_ok());
    let refusal = caller.watch(&too_long, None).next();
    refused(refusal, Code::InvalidArgument, "the prefix has 4097 bytes");
}

#[test]
fn a_request_that_is_no_message_is_refused() {
    let group = Group::new(1);
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    for method in [
        "Get",
        "Set",
        "Delete",
        "CompareAndSet",
        "Scan",
        "TransferLeadership",
        "OpenSession",
        "Status",
    ] {
        let answer = caller.raw(&path(method), b"\xff\xff\xff");
        // The last two requests have no fields, and their messages are not parsed.
        if let Err(status) = answer {
            assert_eq!(status.code, Code::Internal, "{method}: {status}");
        }
    }
    refused(caller.raw(&path("Get"), b"\xff"), Code::Internal, "");
    refused(caller.raw(&path("Wish"), b""), Code::Unimplemented, "");
    let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
    let mut call = caller.channel.start(&path("Watch"), &options).unwrap();
    call.send_last(b"\xff").unwrap();
    refused(Watch { call }.next(), Code::Internal, "");
}

#[test]
fn writes_beyond_the_limit_of_pending_writes_are_refused_and_not_executed() {
    let setting = Setting { max_uncommitted_bytes: 1000, ..Setting::of(1) };
    let group = Group::with(setting);
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
    let mut refusals = 0;
    eventually("too much waits", || {
        let before = caller.set(b"fence", b"").unwrap();
        let calls: Vec<_> = (0..50)
            .map(|number| {
                let mut call = caller.channel.start(&path("Set"), &options).unwrap();
                let (key, value) = (format!("key {number}").into_bytes(), vec![b'v'; 400]);
                let request = pb::SetRequest { key: key.into(), value: value.into(), origin: None };
                call.send_last(&encode(&request)).unwrap();
                call
            })
            .collect();
        let mut done = 0;
        for mut call in calls {
            match call.receive() {
                Ok(answer) => done += u64::from(answer.is_some()),
                Err(status) => {
                    assert_eq!(status.code, Code::ResourceExhausted);
                    assert_eq!(status.message, "too many commands wait to be committed");
                    refusals += 1;
                }
            }
        }
        assert_eq!(caller.set(b"fence", b"").unwrap(), before + done + 1);
        refusals > 0
    });
}

#[test]
fn watches_beyond_the_limit_of_a_node_are_refused() {
    let group = Group::new(1);
    let callers: Vec<_> = (0..=MAX_WATCHES / 100).map(|_| group.at(0)).collect();
    let watches: Vec<Watch> = (0..MAX_WATCHES)
        .map(|number| {
            let mut watch = callers[number / 100].watch(b"", None);
            assert!(watch.next().is_ok());
            watch
        })
        .collect();
    let last = &callers[MAX_WATCHES / 100];
    refused(last.watch(b"", None).next(), Code::ResourceExhausted, "1024 watches");
    drop(watches);
    eventually("a place for a watch is free again", || last.watch(b"", None).next().is_ok());
}
