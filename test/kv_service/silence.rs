//! Connections that go silent without an error, as when a host loses its power or its link: the
//! client does not wait for them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use agora::kv::client::{ClientOptions, Consistency, KvClient, WatchEvent, Watcher};
use agora::raft::NodeId;

use crate::fixture::{Group, LONG};
use crate::free_address::free_address;

/// A proxy that can drop the traffic of its connections without closing them. Its threads end with
/// the connections, and the last one with the test's process.
struct LossyProxy {
    address: SocketAddr,
    /// One flag for each connection: whether its traffic is dropped.
    lost: Arc<Mutex<Vec<Arc<AtomicBool>>>>,
}

impl LossyProxy {
    fn to(target: &str) -> LossyProxy {
        let listener = TcpListener::bind(free_address()).unwrap();
        let (address, target) = (listener.local_addr().unwrap(), target.to_owned());
        let lost: Arc<Mutex<Vec<Arc<AtomicBool>>>> = Arc::default();
        let all = Arc::clone(&lost);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&target) else { continue };
                let is_lost = Arc::new(AtomicBool::new(false));
                all.lock().unwrap().push(Arc::clone(&is_lost));
                let (near_again, far_again) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let flag = Arc::clone(&is_lost);
                thread::spawn(move || carry(near, far, &flag));
                thread::spawn(move || carry(far_again, near_again, &is_lost));
            }
        });
        LossyProxy { address, lost }
    }

    /// Drops the traffic of all connections that are open now.
    fn lose(&self) {
        self.lost.lock().unwrap().iter().for_each(|lost| lost.store(true, Ordering::SeqCst));
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_lost: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !is_lost.load(Ordering::SeqCst) && to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    if !is_lost.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Both);
    }
}

/// A client of a group, and its proxies.
fn client_through_proxies(group: &Group) -> (KvClient, Vec<LossyProxy>) {
    let proxies: Vec<LossyProxy> =
        group.ids().map(|id| LossyProxy::to(group.address(id))).collect();
    let nodes: Vec<(NodeId, String)> =
        group.ids().zip(proxies.iter().map(|proxy| proxy.address.to_string())).collect();
    let options = ClientOptions { timeout: LONG, ..ClientOptions::default() };
    (KvClient::new(&nodes, &options).unwrap(), proxies)
}

#[test]
fn a_call_on_a_silent_connection_is_retried_on_a_new_one() {
    let group = Group::new(1);
    let (client, proxies) = client_through_proxies(&group);
    client.set(b"x", b"1").unwrap();
    for _ in 0..3 {
        proxies.iter().for_each(LossyProxy::lose);
        let began = Instant::now();
        assert!(client.get(b"x", Consistency::Linearizable).unwrap().is_some());
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }
}

#[test]
fn a_watch_resumes_at_another_node() {
    let group = Group::new(3);
    group.leader();
    let (client, proxies) = client_through_proxies(&group);
    let client = Arc::new(client);
    let mut watcher = Watcher::new(Arc::clone(&client), b"", None, Arc::default());
    let mut written = 0_u8;
    assert_eq!(watcher.next(Some(Instant::now() + Duration::from_millis(300))), Ok(None));
    assert!(watcher.seen().is_some(), "it stands");
    for _ in 0..3 {
        proxies.iter().for_each(LossyProxy::lose);
        written += 1;
        client.set(b"x", &[written]).unwrap();
        let began = Instant::now();
        match watcher.next(Some(Instant::now() + LONG)).unwrap() {
            Some(WatchEvent::Changes(changes)) => {
                assert_eq!(changes.len(), 1);
                assert_eq!(changes[0].value, Some(vec![written]));
            }
            other => panic!("{other:?} after {:?}", began.elapsed()),
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}
