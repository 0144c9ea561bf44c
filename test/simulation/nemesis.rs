//! The faults of a world; most of them affect the leader.

use std::time::Duration;

use agora::raft::NodeId;

use crate::node::{Input, SimNode};
use crate::sim_disk::SimDisk;
use crate::workload::Workload;
use crate::world::{Event, MS, World};

impl<W: Workload> World<W> {
    /// Injects a fault, or repairs one.
    pub fn inject_fault(&mut self) {
        match self.seed.below(20) {
            0..=2 => self.isolate_leader(),
            3 => self.partition(),
            4 => self.cut_some_ways(),
            5..=6 => self.network.restore(),
            7 => self.crash_some(),
            8 => self.crash_leader(),
            9 => self.pause_some(),
            10 => self.restart_followers_of_an_isolated_leader(),
            11 => self.wake_a_follower_when_its_leader_is_isolated(),
            12 => self.hand_over(),
            13 => self.fail_a_disk(),
            14 => self.jump_a_wall_clock(),
            15 => self.lose_a_disk(),
            16 => self.restore_an_older_disk(),
            17..=18 => self.forge(),
            _ => self.repair_disks(),
        }
        let next = MS * (20 + self.seed.below(600)) as u32;
        self.schedule(next, Event::Fault);
    }

    /// Repairs everything, and injects no more faults.
    pub fn heal(&mut self) {
        self.is_ending = true;
        self.network.heal();
        self.repair_disks();
        for place in 0..self.nodes.len() {
            self.nodes[place].paused_until = self.time;
            self.schedule(Duration::ZERO, Event::Wake { node: place });
            self.schedule(Duration::ZERO, Event::Restart { node: place });
        }
    }

    fn some_node(&mut self) -> usize {
        self.seed.below(self.nodes.len())
    }

    /// A random node, most often the leader.
    fn victim(&mut self) -> usize {
        match self.leaders().first() {
            Some(leader) if !self.seed.one_in(4) => *leader,
            _ => self.some_node(),
        }
    }

    fn others(&self, than: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|place| *place != than).collect()
    }

    /// Cuts a node off: from the others, to them, or both. Its clients may stay connected to it.
    fn isolate(&mut self, victim: usize) {
        let way = self.seed.below(4);
        for other in self.others(victim) {
            let (victim, other) = (victim as NodeId, other as NodeId);
            if way != 1 {
                self.network.cut(victim, other);
            }
            if way != 2 {
                self.network.cut(other, victim);
            }
        }
    }

    fn isolate_leader(&mut self) {
        let victim = self.victim();
        self.isolate(victim);
    }

    fn partition(&mut self) {
        self.network.restore();
        let sides: Vec<bool> = self.nodes.iter().map(|_| self.seed.one_in(2)).collect();
        for from in 0..sides.len() {
            for to in (0..sides.len()).filter(|to| sides[*to] != sides[from]) {
                self.network.cut(from as NodeId, to as NodeId);
            }
        }
    }

    fn cut_some_ways(&mut self) {
        for _ in 0..=self.seed.below(4) {
            let (from, to) = (self.some_node(), self.some_node());
            self.network.cut(from as NodeId, to as NodeId);
        }
    }

    fn crash_some(&mut self) {
        for _ in 0..=self.seed.below(self.nodes.len()) {
            let place = self.some_node();
            self.crash(place);
        }
    }

    fn crash_leader(&mut self) {
        let place = self.victim();
        self.crash(place);
    }

    fn pause(&mut self, place: usize, span: Duration) {
        let until = self.time + span;
        let paused_until = &mut self.nodes[place].paused_until;
        *paused_until = (*paused_until).max(until);
        self.schedule(span, Event::Wake { node: place });
    }

    fn pause_some(&mut self) {
        let place = self.victim();
        let span = MS * self.seed.below(900) as u32;
        self.pause(place, span);
    }

    /// All followers that have promised restart.
    fn restart_followers_of_an_isolated_leader(&mut self) {
        let victim = self.victim();
        self.isolate(victim);
        for other in self.others(victim) {
            if !self.seed.one_in(3) {
                self.crash(other);
                self.restart(other);
            }
        }
    }

    /// The promises of a follower that was paused for long have ended.
    fn wake_a_follower_when_its_leader_is_isolated(&mut self) {
        let leader = self.victim();
        let others = self.others(leader);
        if others.is_empty() {
            return;
        }
        let sleeper = *self.seed.pick(&others);
        let span = MS * (320 + self.seed.below(100)) as u32;
        self.pause(sleeper, span);
        if self.seed.one_in(2) {
            // Only the others get the last messages of the leader.
            self.network.cut(leader as NodeId, sleeper as NodeId);
        }
        self.isolate(leader);
    }

    fn hand_over(&mut self) {
        let leader = self.victim();
        let to = self.some_node();
        let input = match self.seed.one_in(2) {
            true => Input::HandOver,
            false => Input::Transfer(to as NodeId),
        };
        self.give(leader, input);
        if self.seed.one_in(2) {
            self.isolate(leader);
        }
    }

    fn fail_a_disk(&mut self) {
        let place = self.victim();
        let kind = self.seed.below(3);
        let (syncs, room) = (self.seed.below(4) as u64, self.seed.below(600) as u64);
        let node = &mut self.nodes[place];
        match kind {
            0 => node.slowest_write = MS * *self.seed.pick(&[50, 200, 700]),
            1 => node.disk.fail_sync(syncs),
            _ => {
                let used = node.disk.used_bytes();
                node.disk.set_capacity(Some(used + room));
            }
        }
    }

    fn repair_disks(&mut self) {
        for node in &mut self.nodes {
            node.slowest_write = 2 * MS;
            node.disk.set_capacity(None);
        }
    }

    /// Whether one more node may be lost: all have joined, and those that remain are a majority.
    fn may_lose(&self, place: usize) -> bool {
        let lost = self.nodes.iter().filter(|node| node.is_lost).count();
        let left = self.nodes.len() - lost - 1;
        self.loses_disks
            && self.nodes.iter().all(|node| node.has_joined)
            && !self.nodes[place].is_lost
            && left > self.nodes.len() / 2
    }

    /// A node restarts with an empty disk.
    fn lose_a_disk(&mut self) {
        let place = self.victim();
        if self.may_lose(place) {
            self.crash(place);
            self.record(|| format!("node {place} has lost its disk"));
            let node = &mut self.nodes[place];
            (node.disk, node.is_lost) = (SimDisk::new(), true);
        }
    }

    /// Copies a node's disk; or restarts the node with that copy, while nodes that know it run and
    /// reply.
    fn restore_an_older_disk(&mut self) {
        let place = self.some_node();
        let process_counts: Vec<u64> = self.nodes.iter().map(|node| node.process_count).collect();
        let Some((image, then)) = self.nodes[place].image.take() else {
            let image = self.nodes[place].disk.copy();
            self.nodes[place].image = Some((image, process_counts));
            return;
        };
        // They know the newer state from memory.
        let others = self.others(place);
        let all_know = others.iter().all(|other| {
            then[*other] == process_counts[*other]
                && self.nodes[*other].process.is_some()
                && self.nodes[*other].paused_until <= self.time
        });
        if !all_know || !self.may_lose(place) || self.nodes[place].process.is_none() {
            return;
        }
        self.crash(place);
        self.record(|| format!("node {place} has an older disk"));
        let node = &mut self.nodes[place];
        (node.disk, node.is_lost) = (image, true);
        self.restart(place);
        self.connect(place);
    }

    /// Exchanges introductions between a node and all others, as new connections do.
    fn connect(&mut self, place: usize) {
        for other in self.others(place).repeat(2) {
            let introduce =
                |node: &mut SimNode<W>| Some(node.process.as_mut()?.engine.introduction());
            let ours = introduce(&mut self.nodes[place]);
            let theirs = introduce(&mut self.nodes[other]);
            let (Some(mut ours), Some(mut theirs)) = (ours, theirs) else { continue };
            ours.answers = Some((theirs.incarnation, theirs.number));
            self.give(other, Input::Introduction(place as NodeId, ours.clone()));
            if let Some(said) = introduce(&mut self.nodes[other]) {
                theirs = said;
            }
            theirs.answers = Some((ours.incarnation, ours.number));
            self.give(place, Input::Introduction(other as NodeId, theirs));
        }
    }

    /// Only the expiry of sessions may depend on it.
    fn jump_a_wall_clock(&mut self) {
        let place = self.some_node();
        let minutes = *self.seed.pick(&[-90, -1, 1, 30, 61, 200]);
        self.nodes[place].wall_offset_ms += minutes * 60_000;
    }
}
