//! A burst of data: it is bounded while it lasts, others are served, and its memory is free again.

use agora::session::Protocol;

use super::attacker::{Attacker, drive};
use super::node::{Node, eventually};
use super::{ATTACKER, BOUNDS};

const MEBIBYTE: usize = 1024 * 1024;

#[test]
fn a_gibibyte_of_unfinished_messages_is_refused_and_its_memory_is_free_again() {
    for protocol in [Protocol::Native, Protocol::Grpc] {
        let node = Node::start(&BOUNDS);
        let before = node.resident_mib();
        let message = vec![7; 4 * MEBIBYTE - 100];
        let mut attackers: Vec<_> =
            (0..250).map(|_| Attacker::new(ATTACKER, node.address, protocol)).collect();
        let mut served = None;
        for (number, group) in attackers.chunks_mut(50).enumerate() {
            for attacker in &mut *group {
                attacker.start("/agora.kv.v1.KvService/Set", Some(&message), false);
                // All but the end of the message.
                attacker.budget = 4 * MEBIBYTE - 10_000;
            }
            drive(group);
            if number == 3 {
                served = Some(node.serves_soon());
            }
        }
        let peak = node.peak_mib();
        let refused: usize = attackers.iter().map(Attacker::refused).sum();
        drop(attackers);
        eventually("the memory is free", || node.resident_mib() < before + 64);
        let after = node.resident_mib();
        println!(
            "{protocol:?}: {before} MiB before, {peak} at most, {after} after; {refused} of 250 calls \
             were refused; others wait {served:?}"
        );
        // 256 MiB are the account, and each of the others holds its share of 256 KiB. Buffers grow by
        // doubling: while one is copied, its first half is in use as well.
        assert!(refused > 0);
        assert!(peak < 450, "{peak} MiB");
        node.serves_soon();
    }
}
