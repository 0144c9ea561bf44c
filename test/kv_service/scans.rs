//! Pages of keys.

use agora::pb::agora_kv_v1 as pb;

use crate::fixture::{Group, Pair, eventually, owned};

/// The answer to a scan: pairs, whether more follow, the number of all, and the revision.
type Page = (Vec<Pair>, bool, u64, u64);

fn scan(group: &Group, request: &pb::ScanRequest<'_>) -> Page {
    let answer = group.at(0).scan(request).unwrap();
    let page: pb::ScanResponse<'_> = answer.read();
    (page.pairs.into_iter().map(owned).collect(), page.has_more, page.count, page.revision)
}

fn keys(pairs: &[Pair]) -> Vec<&[u8]> {
    pairs.iter().map(|pair| &*pair.0).collect()
}

fn filled(keys: &[&[u8]]) -> Group {
    let group = Group::new(1);
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    for key in keys {
        caller.set(key, &[b"value of ", *key].concat()).unwrap();
    }
    group
}

#[test]
fn a_scan_returns_the_keys_of_a_prefix_in_order_page_by_page() {
    let group = filled(&[b"b", b"a2", b"a", b"a10", b"a\xff", b"a\xff\xff", b"\xff", b"\xff\xff"]);
    let of =
        |prefix: &'static [u8]| pb::ScanRequest { prefix: prefix.into(), ..Default::default() };
    let (pairs, has_more, count, revision) = scan(&group, &of(b"a"));
    assert_eq!(keys(&pairs), [&b"a"[..], b"a10", b"a2", b"a\xff", b"a\xff\xff"]);
    assert_eq!((has_more, count), (false, 5));
    assert_eq!(pairs[1].1, b"value of a10");
    assert!(pairs.iter().all(|pair| pair.2 <= revision && pair.2 == pair.3));
    assert_eq!(keys(&scan(&group, &of(b"\xff")).0), [&b"\xff"[..], b"\xff\xff"]);
    assert_eq!(keys(&scan(&group, &of(b"a\xff")).0), [&b"a\xff"[..], b"a\xff\xff"]);
    assert_eq!(scan(&group, &of(b"c")).2, 0);
    assert_eq!(scan(&group, &of(b"")).2, 8);

    let mut after = Vec::new();
    let mut found = Vec::new();
    loop {
        let request = pb::ScanRequest { after: after.into(), limit: 2, ..of(b"a") };
        let (pairs, has_more, count, _) = scan(&group, &request);
        assert!(pairs.len() <= 2 && count == 5);
        after = pairs.last().unwrap().0.clone();
        found.extend(pairs);
        if !has_more {
            break;
        }
    }
    assert_eq!(found.len(), 5);
    // After a key that does not exist, or that does not have the prefix.
    let count_after = |after: &'static [u8]| {
        keys(&scan(&group, &pb::ScanRequest { after: after.into(), ..of(b"a") }).0).len()
    };
    assert_eq!(
        (count_after(b"a1"), count_after(b"0"), count_after(b"b"), count_after(b"a\xff\xff")),
        (4, 5, 0, 0)
    );
}

#[test]
fn a_scan_can_return_keys_only_or_the_count_only() {
    let group = filled(&[b"a1", b"a2", b"b"]);
    let prefix = || b"a"[..].into();
    let request = pb::ScanRequest { prefix: prefix(), keys_only: true, ..Default::default() };
    let (pairs, has_more, count, _) = scan(&group, &request);
    assert_eq!(keys(&pairs), [b"a1", b"a2"]);
    assert!(pairs.iter().all(|pair| pair.1.is_empty() && pair.2 > 0));
    assert_eq!((has_more, count), (false, 2));
    let request = pb::ScanRequest { prefix: prefix(), count_only: true, ..Default::default() };
    let (pairs, has_more, count, revision) = scan(&group, &request);
    assert_eq!((pairs.len(), has_more, count), (0, false, 2));
    assert!(revision > 0);
}

#[test]
fn a_page_has_no_more_than_a_thousand_pairs_and_a_mebibyte() {
    let group = Group::new(1);
    let caller = group.at(0);
    eventually("it leads", || caller.get(b"x").is_ok());
    let numbers: Vec<String> = (0..1_500).map(|number| format!("small {number:04}")).collect();
    // Several at a time, because each waits for its fsync.
    std::thread::scope(|scope| {
        for chunk in numbers.chunks(100) {
            let caller = &caller;
            scope.spawn(move || {
                for key in chunk {
                    caller.set(key.as_bytes(), b"").unwrap();
                }
            });
        }
    });
    for limit in [0, 1_000, 1_001, u32::MAX] {
        let prefix = b"small"[..].into();
        let request = pb::ScanRequest { prefix, limit, ..Default::default() };
        let (pairs, has_more, count, _) = scan(&group, &request);
        assert_eq!((pairs.len(), has_more, count), (1_000, true, 1_500), "limit {limit}");
    }
    for number in 0..4 {
        caller.set(format!("large {number}").as_bytes(), &vec![b'v'; 400_000]).unwrap();
    }
    let request = pb::ScanRequest { prefix: b"large"[..].into(), ..Default::default() };
    let (pairs, has_more, count, _) = scan(&group, &request);
    assert_eq!((pairs.len(), has_more, count), (2, true, 4));
    // A pair that is larger than a page is returned alone.
    caller.set(b"largest", &vec![b'v'; 1_048_576]).unwrap();
    let request = pb::ScanRequest { after: b"large 3"[..].into(), ..Default::default() };
    let (pairs, has_more, ..) = scan(&group, &request);
    assert_eq!((keys(&pairs), has_more), (vec![&b"largest"[..]], true));
}

#[test]
fn a_watch_can_start_at_the_revision_of_a_scan() {
    let group = filled(&[b"a1", b"a2"]);
    let (.., revision) = scan(&group, &pb::ScanRequest::default());
    let caller = group.at(0);
    let next = caller.set(b"a1", b"new").unwrap();
    let mut watch = caller.watch(b"a", Some(revision));
    assert_eq!(watch.changes(1), [(b"a1".to_vec(), Some(b"new".to_vec()), next)]);
}
