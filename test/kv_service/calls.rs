//! Every call, on a single node.

use agora::pb::agora_kv_v1 as pb;
use agora::session::Protocol;

use crate::fixture::{Group, eventually};

#[test]
fn set_get_compare_and_set_and_delete_work_over_both_protocols() {
    let group = Group::new(1);
    for (protocol, key) in [(Protocol::Native, b"native"), (Protocol::Grpc, b"grpc  ")] {
        let caller = group.over(0, protocol);
        eventually("it leads", || caller.get(key).is_ok());
        assert_eq!(caller.get(key), Ok(None), "no such key is no error");
        let first = caller.set(key, b"Jaggu").unwrap();
        assert_eq!(caller.get(key), Ok(Some((key.to_vec(), b"Jaggu".to_vec(), first, first))));
        let second = caller.set(key, b"Raju").unwrap();
        assert!(second > first);
        assert_eq!(caller.get(key), Ok(Some((key.to_vec(), b"Raju".to_vec(), second, first))));

        assert_eq!(caller.compare_and_set(key, Some(b"Jaggu"), b"x"), Ok((false, second)));
        assert_eq!(caller.compare_and_set(key, None, b"x"), Ok((false, second)));
        let (is_set, third) = caller.compare_and_set(key, Some(b"Raju"), b"").unwrap();
        assert!(is_set && third > second);
        assert_eq!(caller.get_stale(key), Ok(Some((key.to_vec(), vec![], third, first))));
        assert!(!caller.compare_and_set(key, None, b"x").unwrap().0, "an empty value is a value");

        let (deleted, fourth) = caller.delete(key).unwrap();
        assert!(deleted && fourth > third);
        let (deleted, fifth) = caller.delete(key).unwrap();
        assert!(!deleted && fifth > fourth);
        assert_eq!(caller.get(key), Ok(None));
        assert_eq!(caller.compare_and_set(key, Some(b""), b"x"), Ok((false, 0)), "it is not there");
        let (is_set, sixth) = caller.compare_and_set(key, None, b"back").unwrap();
        assert!(is_set);
        assert_eq!(caller.get(key), Ok(Some((key.to_vec(), b"back".to_vec(), sixth, sixth))));
    }
}

#[test]
fn keys_and_values_are_any_bytes_and_survive_a_restart() {
    let mut group = Group::new(1);
    let all: Vec<u8> = (0..=255).collect();
    let words: [&[u8]; 9] = [
        &all,
        b" ",
        b"\\",
        b"\n",
        b"\0",
        b"# 1 at=5",
        b"\xff\xfe",
        "é\u{85}\u{2003}".as_bytes(),
        b"\\e",
    ];
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    let written: Vec<u64> =
        words.iter().map(|word| caller.set(word, &[*word, b"!"].concat()).unwrap()).collect();
    caller.set(b"empty", b"").unwrap();
    for restarts in 0..2 {
        let caller = group.at(0);
        eventually("it leads", || caller.get(b"x").is_ok());
        for (word, revision) in words.iter().zip(&written) {
            let value = [*word, b"!"].concat();
            let pair = (word.to_vec(), value, *revision, *revision);
            assert_eq!(caller.get(word), Ok(Some(pair)), "{restarts} restarts");
        }
        assert_eq!(caller.get(b"empty").unwrap().unwrap().1, b"");
        group.restart(0);
    }
}

#[test]
fn status_of_a_single_node() {
    let group = Group::new(1);
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    let revision = caller.set(b"x", b"5").unwrap();
    let answer = caller.status().unwrap();
    let status: pb::StatusResponse<'_> = answer.read();
    assert_eq!((status.node, status.role), (0, pb::Role::ROLE_LEADER));
    let leader = status.leader.unwrap();
    assert_eq!((leader.node, &*leader.address), (0, group.address(0)));
    assert_eq!((status.term, status.keys, status.oldest_watch_revision), (1, 1, 0));
    assert_eq!((status.commit_index, status.applied_index), (revision, revision));
    assert!(status.peers.is_empty());
    assert_eq!(status.lease_remaining_ms, 0, "it needs no lease");
}

#[test]
fn the_log_file_holds_each_write_in_words() {
    let group = Group::new(1);
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    caller.set(b"name1", b"Jaggu the Great").unwrap();
    caller.compare_and_set(b"name1", Some(b"Jaggu the Great"), b"").unwrap();
    caller.compare_and_set(b"name2", None, b"Raju").unwrap();
    caller.delete(b"name1").unwrap();
    let log = group.file(0, "logs.txt");
    let operations: Vec<&str> =
        log.lines().map(|line| line.rsplit_once(" # ").unwrap().0).collect();
    assert_eq!(
        operations,
        [
            "NO-OP 1",
            "SET name1 Jaggu\\ the\\ Great 1",
            "CAS name1 Jaggu\\ the\\ Great \\e 1",
            "CREATE name2 Raju 1",
            "DEL name1 1",
        ]
    );
}
